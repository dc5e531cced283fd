import { systemClock, type Clock } from "./clock.ts";

const LONG_MS = 10_000;

/** The machine's time, but what waits for ten seconds or more waits until the test says that they are over. */
export class StepClock implements Clock {
  private readonly waiting: { ms: number; fire: () => void }[] = [];
  private readonly watchers: { ms: number; tell: () => void }[] = [];
  now(): number {
    return Date.now();
  }
  elapsed(): number {
    return performance.now();
  }
  after(ms: number, fire: () => void): () => void {
    if (ms < LONG_MS) return systemClock.after(ms, fire);
    const entry = { ms, fire };
    this.waiting.push(entry);
    for (const watcher of this.watchers.filter((candidate) => candidate.ms === ms)) watcher.tell();
    return () => void this.waiting.splice(this.waiting.indexOf(entry) >>> 0, 1);
  }
  /** Resolves when something begins to wait for this long. */
  awaited(ms: number): Promise<void> {
    return new Promise((tell) => this.watchers.push({ ms, tell }));
  }
  /** What waits for this long, or a little less because some of it has passed. */
  held(ms: number): number {
    return this.about(ms).length;
  }
  /** Fires everything that waits for this long, or a little less because some of it has passed. */
  reach(ms: number): void {
    for (const entry of this.about(ms)) {
      this.waiting.splice(this.waiting.indexOf(entry), 1);
      entry.fire();
    }
  }
  private about(ms: number): readonly { ms: number; fire: () => void }[] {
    return this.waiting.filter((candidate) => candidate.ms <= ms && candidate.ms > ms - 1_000);
  }
}
