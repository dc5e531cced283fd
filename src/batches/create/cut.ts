import type { NewChunk } from "../../store/port.ts";
import type { Cutter } from "./cutter.ts";
import { ItemKeys } from "./item-keys.ts";
import type { ItemSource } from "../service.ts";

/** Chunks whose keys are still known by their text when a later item has the hash of one. */
const KEYS_KEPT = 8;

/** The chunks of a stream of items, as they fill. Throws duplicate_key, naming both places, and too_many_items. */
export async function* cut(source: ItemSource, cutter: Cutter, maxItems: number): AsyncGenerator<NewChunk> {
  const keys = new ItemKeys(maxItems);
  const recent: NewChunk[] = [];
  const keyAt = (position: number): string | null => keyIn(recent, position) ?? cutter.keyAt(position);
  for await (const block of source) {
    for (const item of block) {
      const repeated = keys.add(item.key, keyAt);
      if (repeated !== null) await repeated;
      const chunk = cutter.add(item);
      if (chunk === null) continue;
      recent.push(chunk);
      if (recent.length > KEYS_KEPT) recent.shift();
      yield chunk;
    }
  }
  const last = cutter.flush();
  if (last !== null) yield last;
}

function keyIn(chunks: readonly NewChunk[], position: number): string | null {
  const chunk = chunks.find((candidate) => position >= candidate.position && position < candidate.position + candidate.keys.length);
  return chunk?.keys[position - chunk.position] ?? null;
}
