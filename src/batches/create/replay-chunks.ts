import { joinLines, splitLines, type ItemText } from "../../model/item.ts";
import type { NewChunk } from "../../store/port.ts";
import { checkedRequests } from "./checked-requests.ts";
import type { Cutter } from "./cutter.ts";
import type { ReplayBlock } from "./replay.ts";

/** Chunks out of blocks of stored items; `keepsCut`: each block stays the chunk it was, unless an edit made it too large. */
export async function* replayChunks(
  blocks: AsyncIterable<ReplayBlock>,
  { cutter, keepsCut, availableAt }: { cutter: Cutter; keepsCut: boolean; availableAt: number },
): AsyncGenerator<NewChunk> {
  let position = 0;
  const at = (chunk: Pick<NewChunk, "keys" | "body">): NewChunk => {
    const placed = { position, keys: chunk.keys, body: chunk.body, attempt: 0, availableAt, crashes: 0 };
    position += chunk.keys.length;
    return placed;
  };
  for await (const block of blocks) {
    if (keepsCut && !(block.edited && block.body.length > cutter.maxChars)) {
      yield at(block);
      continue;
    }
    for (const item of itemsOf(block)) {
      const chunk = cutter.add(item);
      if (chunk !== null) yield at(chunk);
    }
    const rest = keepsCut ? cutter.flush() : null;
    if (rest !== null) yield at(rest);
  }
  const last = cutter.flush();
  if (last !== null) yield at(last);
}

/** The same blocks, each item a request that a provider would take. Throws bad_items at the end. */
export async function* checkedBlocks(
  blocks: AsyncIterable<ReplayBlock>,
  parts: Parameters<typeof checkedRequests>[1],
): AsyncGenerator<ReplayBlock> {
  let edited = false;
  const items = async function* (): AsyncGenerator<ItemText[]> {
    for await (const block of blocks) {
      edited = block.edited;
      yield itemsOf(block);
    }
  };
  for await (const checked of checkedRequests(items(), parts))
    yield { keys: checked.map(({ key }) => key), body: joinLines(checked.map(({ text }) => text)), edited };
}

function itemsOf({ keys, body }: ReplayBlock): ItemText[] {
  const texts = splitLines(body);
  return keys.map((key, index) => ({ key, text: texts[index]! }));
}
