import { BatchyardError } from "../../model/errors.ts";
import { JsonArray } from "./json-array.ts";
import { JsonRows } from "./json-row.ts";
import { MAX_RECORD_LENGTH } from "../row.ts";
import type { ReadRow, RowBlocks } from "../row.ts";
import { decodeUtf8 } from "../utf8.ts";

/**
 * Streams the elements of a JSON array of objects, in constant memory. An element that is no object is a fault of its own; a
 * file that ends early is a last fault. Throws bad_encoding, and bad_file when the file is no array.
 */
export async function* readJson(bytes: AsyncIterable<Uint8Array>): RowBlocks {
  const array = new JsonArray(MAX_RECORD_LENGTH);
  const json = new JsonRows();
  let row = 0;
  const toRows = (elements: ReturnType<JsonArray["feed"]>): ReadRow[] => {
    if (array.notAnArray) {
      throw new BatchyardError("bad_file", {
        format: "json",
        reason: "it is not an array of objects; for one object a line use format jsonl",
      });
    }
    return elements.map(({ line, text, fault }) => {
      row += 1;
      return text === undefined ? { row, fault: { code: "bad_json", message: fault, line } } : json.read(row, line, text.trimStart());
    });
  };
  for await (const block of decodeUtf8(bytes)) {
    const rows = toRows(array.feed(block));
    if (rows.length > 0) yield rows;
  }
  const rows = toRows(array.end());
  if (rows.length > 0) yield rows;
}
