import type { Terminal } from "../terminal/terminal.ts";

/**
 * Resolves at the first SIGINT or SIGTERM; the second ends the process at once. `watch()` from the start of a command on, so
 * that no signal falls between two of its steps.
 */
export function stopSignal(terminal: Terminal, said: string): { signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(name === "SIGINT" ? 130 : 143);
    terminal.say(said);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    forget() {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

/** Waits for the signal without keeping anything else from ending the process. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
