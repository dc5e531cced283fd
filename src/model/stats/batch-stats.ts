import { Sketch } from "./sketch.ts";
import { Timeline } from "./timeline.ts";

/** Quality ranges, worst first; an upper bound belongs to its range: (0.8, 1.0] is the last one, [0, 0.2] the first. */
export const QUALITY_RANGES = ["0.0-0.2", "0.2-0.4", "0.4-0.6", "0.6-0.8", "0.8-1.0"] as const;

export function qualityRange(score: number): number {
  return Math.min(4, Math.max(0, Math.ceil(score * 5 - 1e-9) - 1));
}

/**
 * What a batch knows about its results without reading them again: kept by the commits, mergeable, rebuilt by
 * `batchyard doctor --rebuild` from the result segments.
 */
export class BatchStats {
  readonly durations = new Sketch();
  readonly timeline = new Timeline();
  /** Milliseconds; sum over results that carry a duration. */
  durationSum = 0;
  durationMin = Infinity;
  durationMax = -Infinity;
  readonly scoreCounts = [0, 0, 0, 0, 0];
  readonly scoreSums = [0, 0, 0, 0, 0];

  get durationCount(): number {
    return this.durations.count;
  }

  addDuration(ms: number): void {
    this.durations.add(ms);
    this.durationSum += ms;
    if (ms < this.durationMin) this.durationMin = ms;
    if (ms > this.durationMax) this.durationMax = ms;
  }

  addScore(score: number): void {
    const range = qualityRange(score);
    this.scoreCounts[range]! += 1;
    this.scoreSums[range]! += score;
  }

  /**
   * A failure that a retry took back no longer counts as ended, nor its score: the item gets another result. Its duration
   * stays, because the work was done.
   */
  takeBack(failedAt: number, score: number | null): void {
    this.timeline.add(failedAt, 0, -1);
    if (score === null) return;
    const range = qualityRange(score);
    this.scoreCounts[range]! -= 1;
    this.scoreSums[range] = this.scoreCounts[range] === 0 ? 0 : this.scoreSums[range]! - score;
  }

  merge(other: BatchStats): void {
    this.durations.merge(other.durations);
    this.timeline.merge(other.timeline);
    this.durationSum += other.durationSum;
    this.durationMin = Math.min(this.durationMin, other.durationMin);
    this.durationMax = Math.max(this.durationMax, other.durationMax);
    for (let i = 0; i < 5; i++) {
      this.scoreCounts[i]! += other.scoreCounts[i]!;
      this.scoreSums[i]! += other.scoreSums[i]!;
    }
  }

  encode(): string {
    return JSON.stringify({
      d: this.durations.encode(),
      t: this.timeline.encode(),
      s: this.durationSum,
      n: this.durationCount === 0 ? null : this.durationMin,
      x: this.durationCount === 0 ? null : this.durationMax,
      c: this.scoreCounts,
      q: this.scoreSums,
    });
  }

  static decode(text: string | null): BatchStats {
    const stats = new BatchStats();
    if (text === null) return stats;
    const raw = JSON.parse(text) as { d: number[]; t: number[]; s: number; n: number | null; x: number | null; c: number[]; q: number[] };
    stats.durations.merge(Sketch.decode(raw.d));
    stats.timeline.merge(Timeline.decode(raw.t));
    stats.durationSum = raw.s;
    stats.durationMin = raw.n ?? Infinity;
    stats.durationMax = raw.x ?? -Infinity;
    for (let i = 0; i < 5; i++) {
      stats.scoreCounts[i] = raw.c[i] ?? 0;
      stats.scoreSums[i] = raw.q[i] ?? 0;
    }
    return stats;
  }
}
