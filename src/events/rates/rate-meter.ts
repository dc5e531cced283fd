import type { Clock } from "../../model/clock.ts";

const SECONDS = 10;

/** A mean over the last ten whole seconds. */
export class RateMeter {
  private readonly clock: Clock;
  private readonly buckets: { second: number; count: number }[] = Array.from({ length: SECONDS + 1 }, () => ({ second: -1, count: 0 }));

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(count: number): void {
    const second = Math.floor(this.clock.now() / 1000);
    const bucket = this.buckets[second % this.buckets.length]!;
    if (bucket.second !== second) {
      bucket.second = second;
      bucket.count = 0;
    }
    bucket.count += count;
  }

  perSecond(): number {
    const now = Math.floor(this.clock.now() / 1000);
    const recent = this.buckets.filter(({ second }) => second >= now - SECONDS && second < now);
    return recent.reduce((sum, { count }) => sum + count, 0) / SECONDS;
  }
}
