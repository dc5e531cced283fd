import type { Clock } from "../../model/clock.ts";

const LOOK_MS = 5_000;

export interface Checked {
  name: string;
  ok: boolean;
  message: string | null;
  /** Unix milliseconds of the last look. */
  at: number;
  /** Looks in a row, the last among them, that failed. */
  failures: number;
}

export type Checks = Readonly<Record<string, { ok: boolean; message?: string }>>;

/** Looks at the parts of the server every 5 seconds, so that it is known for how long one has been failing. */
export class HealthWatch {
  private readonly check: () => Promise<Checks>;
  private readonly clock: Clock;
  private readonly failed: (error: unknown) => void;
  private known = new Map<string, Checked>();
  private stopTimer = (): void => {};
  private stopped = false;

  constructor(parts: { check: () => Promise<Checks>; clock: Clock; failed: (error: unknown) => void }) {
    this.check = parts.check;
    this.clock = parts.clock;
    this.failed = parts.failed;
  }

  start(): void {
    this.stopTimer = this.clock.after(LOOK_MS, () => {
      this.look()
        .catch(this.failed)
        .finally(() => {
          if (!this.stopped) this.start();
        });
    });
  }

  stop(): void {
    this.stopped = true;
    this.stopTimer();
  }

  /** As of the last look; the first one is made when nobody has looked yet. */
  async checked(): Promise<Checked[]> {
    if (this.known.size === 0) await this.look();
    return [...this.known.values()];
  }

  private async look(): Promise<void> {
    const checks = await this.check();
    const at = this.clock.now();
    this.known = new Map(
      Object.entries(checks).map(([name, { ok, message }]) => {
        const failures = ok ? 0 : (this.known.get(name)?.failures ?? 0) + 1;
        return [name, { name, ok, message: message ?? null, at, failures }];
      }),
    );
  }
}
