import { splitLines } from "../../intake/lines.ts";
import { JsonRows } from "./json-row.ts";
import { MAX_RECORD_LENGTH } from "../row.ts";
import type { RowBlocks } from "../row.ts";

/**
 * Streams the rows of a file with one JSON object a line, in constant memory; blank lines are no rows. A line that is not an
 * object is a fault of its own; a first line that starts an array is the only one. Throws bad_encoding, bad_items and line_too_long.
 */
export async function* readJsonl(bytes: AsyncIterable<Uint8Array>): RowBlocks {
  const json = new JsonRows();
  let row = 0;
  for await (const { lines, numbers } of splitLines(bytes, { maxLineBytes: MAX_RECORD_LENGTH })) {
    if (row === 0 && lines[0]?.trimStart().startsWith("[") === true) {
      const line = numbers[0]!;
      yield [
        {
          row: 1,
          fault: {
            code: "array_not_jsonl",
            message: `Line ${line} starts a JSON array; send one object a line, or read the file with format json`,
            line,
          },
        },
      ];
      return;
    }
    yield lines.map((text, index) => json.read((row += 1), numbers[index]!, text));
  }
}
