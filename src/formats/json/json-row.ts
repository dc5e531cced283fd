import { JsonScanner } from "../../intake/scan.ts";
import { oneLine } from "../../intake/slice-items.ts";
import type { ReadRow } from "../row.ts";

/** Judges the JSON texts of a file by the rules for items that are sent (src/intake/scan.ts). */
export class JsonRows {
  private readonly scanner = new JsonScanner();

  /** One text as a row: an object, or the fault that says why it is none. `line` is where the text starts. */
  read(row: number, line: number, text: string): ReadRow {
    const fault = this.scanner.scan(text);
    if (fault !== null) {
      const before = text.slice(0, fault.column - 1).split("\n");
      const place = `Line ${line + before.length - 1}, column ${before.at(-1)!.length + 1}`;
      return { row, fault: { code: fault.code, message: `${place}: ${fault.message}`, line } };
    }
    return {
      row,
      record: JSON.parse(text) as Record<string, unknown>,
      text: text.includes("\n") || text.includes("\r") ? oneLine(text) : text,
    };
  }
}
