import { jsonFault, jsonRow } from "./json-row.ts";
import { MAX_RECORD_LENGTH } from "./row.ts";
import type { ReadRow, RowBlocks } from "./row.ts";
import { decodeUtf8 } from "./utf8.ts";

/**
 * Streams the rows of a file with one JSON object a line, in constant memory; blank lines are no rows. A line that is not an
 * object, or longer than MAX_RECORD_LENGTH, is a fault of its own. Throws bad_encoding.
 */
export async function* readJsonl(bytes: AsyncIterable<Uint8Array>): RowBlocks {
  const lines = new Lines();
  for await (const block of decodeUtf8(bytes)) {
    const rows = lines.feed(block);
    if (rows.length > 0) yield rows;
    if (lines.closed) return;
  }
  const rows = lines.feed("\n");
  if (rows.length > 0) yield rows;
}

class Lines {
  /** The file is of another format: what follows would only repeat that. */
  closed = false;
  private rest = "";
  private line = 0;
  private row = 0;
  /** The line that is being read is too long; what is left of it is dropped. */
  private dropping = false;

  feed(block: string): ReadRow[] {
    const rows: ReadRow[] = [];
    let start = 0;
    for (let end = block.indexOf("\n"); end >= 0 && !this.closed; end = block.indexOf("\n", start)) {
      const text = this.rest + block.slice(start, end);
      this.rest = "";
      start = end + 1;
      this.line += 1;
      if (this.dropping) this.dropping = false;
      else this.take(text, rows);
    }
    if (!this.dropping) this.rest += block.slice(start);
    if (this.rest.length > MAX_RECORD_LENGTH) {
      this.rest = "";
      this.dropping = true;
      this.row += 1;
      rows.push({ row: this.row, fault: jsonFault("line_too_long", this.line + 1, `is longer than ${MAX_RECORD_LENGTH} characters; an item must be smaller`) });
    }
    return rows;
  }

  private take(line: string, rows: ReadRow[]): void {
    const text = line.trim();
    if (text === "") return;
    this.row += 1;
    if (this.row === 1 && text.startsWith("[")) {
      this.closed = true;
      rows.push({ row: 1, fault: jsonFault("array_not_jsonl", this.line, "starts a JSON array; send one object a line, or read the file with format json") });
      return;
    }
    const looksLikeCsv = this.row === 1 && !/^[{["\d]/.test(text) && /[,;\t]/.test(text);
    rows.push(jsonRow(this.row, this.line, text, looksLikeCsv ? "; it looks like CSV: read the file with format csv" : ""));
  }
}
