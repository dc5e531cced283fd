/**
 * Progress over time in at most MAX_POINTS buckets. The bucket width starts at one second and doubles whenever the
 * batch outgrows it, so the size is bounded however long a batch runs and two timelines always merge exactly.
 */
const MAX_POINTS = 240;

export interface TimelinePoint {
  /** Unix milliseconds of the start of the bucket. */
  at: number;
  succeeded: number;
  failed: number;
}

export class Timeline {
  widthMs = 1000;
  /** bucket number (floor(ms / width)) → counts */
  readonly buckets = new Map<number, { succeeded: number; failed: number }>();

  add(at: number, succeeded: number, failed: number): void {
    const number = Math.floor(at / this.widthMs);
    const bucket = this.buckets.get(number);
    if (bucket === undefined) {
      this.buckets.set(number, { succeeded, failed });
      while (this.span() > MAX_POINTS) this.widen();
    } else {
      bucket.succeeded += succeeded;
      bucket.failed += failed;
    }
  }

  merge(other: Timeline): void {
    while (this.widthMs < other.widthMs) this.widen();
    for (const [number, counts] of other.buckets) this.add(number * other.widthMs, counts.succeeded, counts.failed);
  }

  points(): TimelinePoint[] {
    return [...this.buckets.entries()].sort(([a], [b]) => a - b).map(([number, counts]) => ({ at: number * this.widthMs, ...counts }));
  }

  /** `[widthMs, bucket, succeeded, failed, …]`, buckets ascending. */
  encode(): number[] {
    const flat = [this.widthMs];
    for (const point of this.points()) flat.push(point.at / this.widthMs, point.succeeded, point.failed);
    return flat;
  }

  static decode(flat: readonly number[]): Timeline {
    const timeline = new Timeline();
    timeline.widthMs = flat[0] ?? 1000;
    for (let i = 1; i + 2 < flat.length; i += 3) {
      timeline.buckets.set(flat[i]!, { succeeded: flat[i + 1]!, failed: flat[i + 2]! });
    }
    return timeline;
  }

  private span(): number {
    let first = Infinity;
    let last = -Infinity;
    for (const number of this.buckets.keys()) {
      if (number < first) first = number;
      if (number > last) last = number;
    }
    return last - first + 1;
  }

  private widen(): void {
    const old = [...this.buckets.entries()];
    this.widthMs *= 2;
    this.buckets.clear();
    for (const [number, counts] of old) {
      const wide = Math.floor(number / 2);
      const bucket = this.buckets.get(wide);
      if (bucket === undefined) this.buckets.set(wide, { ...counts });
      else {
        bucket.succeeded += counts.succeeded;
        bucket.failed += counts.failed;
      }
    }
  }
}
