import { toNanoUsd, type NanoUsd } from "../../model/money.ts";
import { BatchStats } from "../../model/stats/batch-stats.ts";
import { SuccessBlock } from "../../model/success-block.ts";
import type { NewFailure, RecordedResult } from "../port.ts";

/** Where an item stands; null for one that was only announced. */
export interface Place {
  chunkId: number | null;
  index: number | null;
}

/** Reported results, gathered by chunk, so that a report of a thousand is a few rows and not a thousand. */
export class Recorded {
  readonly parts = new Map<number | null, { successes: SuccessBlock; keys: string[] | null; failures: NewFailure[] }>();
  readonly stats = new BatchStats();
  count = 0;
  succeeded = 0;
  cost: NanoUsd = 0;

  add(result: RecordedResult, place: Place, now: number): void {
    let part = this.parts.get(place.chunkId);
    if (part === undefined) {
      part = { successes: new SuccessBlock(), keys: place.chunkId === null ? [] : null, failures: [] };
      this.parts.set(place.chunkId, part);
    }
    const { text, retries, durationMs, qualityScore, cost } = result;
    this.count += 1;
    if (result.failure === null) {
      this.succeeded += 1;
      part.successes.add({ item: place.index ?? part.keys!.length, text, retries, at: now, durationMs, qualityScore, cost });
      part.keys?.push(result.nodeId);
    } else part.failures.push({ ...result.failure, nodeId: result.nodeId, index: place.index });
    if (durationMs !== null) this.stats.addDuration(durationMs);
    if (qualityScore !== null) this.stats.addScore(qualityScore);
    if (cost !== null) this.cost += toNanoUsd(cost);
  }
}
