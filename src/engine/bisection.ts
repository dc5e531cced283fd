import { hasBit, setBit } from "../model/bits.ts";
import { joinLines, splitLines } from "../model/item.ts";
import { SuccessBlock } from "../model/success-block.ts";
import { BatchStats } from "../model/stats/batch-stats.ts";
import type { ClaimedChunk, Commit, NewChunk } from "../store/port.ts";
import { failureRow } from "./run/result-line.ts";

/** Deaths after which a chunk is split: the first made it a suspect, and suspects run alone, so the others name this chunk. */
const DEATHS_TO_SPLIT = 3;
/** Deaths after which a single item fails: one that made it a suspect, three while nothing but this item ran. */
const DEATHS_TO_CONDEMN = 4;

/**
 * What to do with a chunk whose worker died while holding it. Null: run it (again). Else the commit to write instead:
 * - several items: the open ones in two halves, each to be split again after one more death;
 * - a single item: it fails with `worker_crashed`.
 *
 * A death alone proves nothing: `kill -9` by an operator looks the same from here. So nothing is condemned for deaths in
 * company, nor as part of a larger chunk: splitting costs an innocent nothing, and an innocent item that is alone ends
 * before the next three kills unless each of them strikes while it runs. A poison item needs
 * log2(items) + 5 deaths at most, whatever its chunk got done before each of them.
 */
export function bisect(chunk: ClaimedChunk, now: number): Commit | null {
  const open = chunk.keys.map((_, index) => index).filter((index) => !hasBit(chunk.done, index));
  const single = chunk.keys.length === 1;
  if (chunk.crashes < (single ? DEATHS_TO_CONDEMN : DEATHS_TO_SPLIT) || open.length === 0) return null;
  const done = Uint8Array.from(chunk.done);
  for (const index of open) setBit(done, index);
  const commit: Commit = {
    chunkId: chunk.id,
    fence: chunk.fence,
    now,
    successes: new SuccessBlock(),
    failures: [],
    done,
    stats: new BatchStats(),
    cost: 0,
    next: [],
    retried: 0,
    end: "finish",
    progress: true,
  };
  if (single) {
    const error = `The worker process died ${DEATHS_TO_CONDEMN - 1} times while running nothing but this item`;
    const outcome = { ok: false, error, code: "worker_crashed", category: "permanent", durationMs: 0 } as const;
    const stats = new BatchStats();
    stats.addDuration(0);
    return { ...commit, failures: [failureRow(chunk.keys[0]!, 0, outcome, chunk.attempt, now)], stats };
  }
  const texts = splitLines(chunk.body);
  const half = (places: number[]): NewChunk => ({
    position: chunk.position,
    keys: places.map((place) => chunk.keys[place]!),
    body: joinLines(places.map((place) => texts[place]!)),
    attempt: chunk.attempt,
    availableAt: now,
    crashes: places.length === 1 ? DEATHS_TO_CONDEMN - 3 : DEATHS_TO_SPLIT - 1,
  });
  const middle = Math.ceil(open.length / 2);
  return { ...commit, next: [open.slice(0, middle), open.slice(middle)].filter((places) => places.length > 0).map(half) };
}
