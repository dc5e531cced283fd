/** The shell puts its terminal back in order within this time; a process that really stopped does not see it pass. */
const SETTLE_MS = 50;

/**
 * `ctrl-z`, `fg` and their signals. `suspended` gives the terminal up, runs what it is given, takes the terminal back and
 * draws everything anew.
 */
export class JobControl {
  readonly #suspended: (meanwhile: () => Promise<void>) => Promise<void>;
  #stopping = false;
  readonly #stop = (): void => this.stop();
  readonly #continued = (): void => {
    // Stopped by a signal that cannot be caught: whoever had the terminal meanwhile has set it as it likes.
    if (!this.#stopping) this.#give(async () => undefined);
  };

  constructor(suspended: (meanwhile: () => Promise<void>) => Promise<void>) {
    this.#suspended = suspended;
    process.on("SIGTSTP", this.#stop);
    process.on("SIGCONT", this.#continued);
  }

  /** Stops as other programs do: with all that the shell started along. Without a shell that could continue it nothing stops. */
  stop(): void {
    if (this.#stopping) return;
    this.#give(async () => {
      process.off("SIGTSTP", this.#stop);
      process.kill(0, "SIGTSTP");
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      process.on("SIGTSTP", this.#stop);
    });
  }

  close(): void {
    process.off("SIGTSTP", this.#stop);
    process.off("SIGCONT", this.#continued);
  }

  #give(meanwhile: () => Promise<void>): void {
    this.#stopping = true;
    // It fails only where the screen is being left already.
    void this.#suspended(meanwhile)
      .catch(() => undefined)
      .finally(() => (this.#stopping = false));
  }
}
