import { joinLines, splitLines } from "../../model/item.ts";
import type { ClaimedChunk, NewChunk } from "../../store/port.ts";
import { backoffMs } from "./backoff.ts";
import type { Retry } from "./settled-items.ts";

/** What a piece of a cut chunk should take. */
const PIECE_MS = 1500;
const MAX_PIECES = 64;

/** Items that leave a chunk unsettled, as chunks of their own: what is handed on, each group at once, and the retries after their back-off. */
export function successors(
  chunk: Pick<ClaimedChunk, "position" | "keys" | "body" | "attempt">,
  left: { handOn: readonly number[][]; retries: readonly Retry[] },
  { now, retryBackoffMs, random }: { now: number; retryBackoffMs: number; random: () => number },
): NewChunk[] {
  const { handOn, retries } = left;
  if (retries.length + handOn.length === 0) return [];
  const texts = splitLines(chunk.body);
  const chunkOf = (places: readonly number[], attempt: number, availableAt: number): NewChunk => ({
    position: chunk.position,
    keys: places.map((place) => chunk.keys[place]!),
    body: joinLines(places.map((place) => texts[place]!)),
    attempt,
    availableAt,
    crashes: 0,
  });
  const chunks = handOn.map((places) => chunkOf(places, chunk.attempt, now));
  if (retries.length > 0) {
    const retryAfterMs = Math.max(...retries.map((retry) => retry.retryAfterMs ?? 0));
    const wait = backoffMs(chunk.attempt, retryBackoffMs, retryAfterMs, random);
    const places = retries.map((retry) => retry.place);
    chunks.push(chunkOf(places, chunk.attempt + 1, now + wait));
  }
  return chunks;
}

/** What is left of a chunk that was cut, in pieces of about PIECE_MS at the speed it has shown; one piece where nothing is settled. */
export function pieces(places: readonly number[], shown: { settled: number; elapsedMs: number; lanes: number }): number[][] {
  const size = pieceSize(places.length, shown);
  const groups: number[][] = [];
  for (let i = 0; i < places.length; i += size) groups.push(places.slice(i, i + size));
  return groups;
}

function pieceSize(rest: number, { settled, elapsedMs, lanes }: { settled: number; elapsedMs: number; lanes: number }): number {
  if (settled === 0) return Math.max(1, rest);
  const fitting = Math.floor((settled / Math.max(1, elapsedMs)) * PIECE_MS);
  return Math.max(1, lanes, fitting, Math.ceil(rest / MAX_PIECES));
}
