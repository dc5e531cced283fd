import type { WriteFormat } from "../formats/format.ts";
import { write } from "../formats/writer.ts";
import { fileSink } from "./output-file.ts";
import type { Terminal } from "../terminal/terminal.ts";

const RESULT_COLUMNS = ["nodeId", "success", "result", "error", "errorCode", "retries", "durationMs", "qualityScore", "cost", "createdAt"];

/**
 * Result lines as a file of `format`, in constant memory: lines go through untouched, tables have a column for each field of a
 * result (nested values as JSON). Returns the bytes written.
 */
export async function writeResults(
  lines: AsyncIterable<string[]>,
  format: WriteFormat,
  output: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const blocks = breathing(lines);
  const pieces = format === "jsonl" ? joined(blocks) : write(format, rowsOf(blocks), { fields: RESULT_COLUMNS });
  if (output === undefined) {
    let size = 0;
    for await (const piece of pieces) {
      await terminal.out(piece);
      size += piece.length;
    }
    return size;
  }
  const sink = await fileSink(output);
  try {
    for await (const piece of pieces) await sink.write(piece);
    return await sink.commit();
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

/**
 * Lets signals, timers and the garbage collector have their turn between blocks: the store answers within the same turn of the
 * event loop, and so does a file as stdout.
 */
async function* breathing<T>(blocks: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  for await (const block of blocks) {
    yield block;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

async function* joined(blocks: AsyncIterable<string[]>): AsyncGenerator<string, void, undefined> {
  for await (const block of blocks) if (block.length > 0) yield `${block.join("\n")}\n`;
}

async function* rowsOf(blocks: AsyncIterable<string[]>): AsyncGenerator<Record<string, unknown>[], void, undefined> {
  for await (const block of blocks) yield block.map((line) => JSON.parse(line) as Record<string, unknown>);
}
