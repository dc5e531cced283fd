import { hasBit, setBit } from "../model/bits.ts";
import { joinLines, splitLines } from "../model/item.ts";
import { SuccessBlock } from "../model/success-block.ts";
import { BatchStats } from "../model/stats/batch-stats.ts";
import type { ClaimedChunk, Commit, NewChunk } from "../store/port.ts";
import { failureRow } from "./result-line.ts";

/** Deaths of its worker after which a chunk is split. Suspects run alone, so from the second on the chunk itself is the cause. */
export const CRASHES_TO_SPLIT = 3;

/**
 * What to do with a chunk that killed its worker three times: split it in two (each half needs one more death to be split
 * again), until a single item is left, which fails with `worker_crashed`. Bounded: log2(items) + 2 deaths an item.
 */
export function bisect(chunk: ClaimedChunk, now: number): Commit {
  const open = chunk.keys.map((_, index) => index).filter((index) => !hasBit(chunk.done, index));
  const base = {
    chunkId: chunk.id,
    fence: chunk.fence,
    now,
    successes: new SuccessBlock(),
    stats: new BatchStats(),
    cost: 0,
    retried: 0,
    end: "finish" as const,
    progress: true,
  };
  if (open.length === 1) {
    const index = open[0]!;
    const done = Uint8Array.from(chunk.done);
    setBit(done, index);
    const error = `The worker process died ${chunk.crashes} times while running this item alone`;
    const failure = failureRow(chunk.keys[index]!, index, { ok: false, error, code: "worker_crashed", category: "permanent", durationMs: 0 }, chunk.attempt, now);
    return { ...base, failures: [failure], done, next: [] };
  }
  const texts = splitLines(chunk.body);
  const half = (places: number[]): NewChunk => ({
    position: chunk.position,
    keys: places.map((place) => chunk.keys[place]!),
    body: joinLines(places.map((place) => texts[place]!)),
    attempt: chunk.attempt,
    availableAt: now,
    crashes: CRASHES_TO_SPLIT - 1,
  });
  const middle = Math.ceil(open.length / 2);
  const done = Uint8Array.from(chunk.done);
  for (const index of open) setBit(done, index);
  return { ...base, failures: [], done, next: [half(open.slice(0, middle)), half(open.slice(middle))] };
}
