import { stringify } from "csv-stringify/sync";
import { cellValue, looksLikeFormula } from "../cell.ts";
import { columnsOf } from "../columns.ts";
import type { WriteSource } from "../columns.ts";

/**
 * A table as CSV (UTF-8, comma, CRLF, header row) in blocks. Text that a spreadsheet would run as a formula starts with `'`.
 * Columns: see columnsOf.
 */
export async function* writeCsv(source: WriteSource, fields?: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  const { names, rows } = await columnsOf(source, fields);
  if (names.length > 0) yield encode([names]);
  for await (const block of rows) if (block.length > 0 && names.length > 0) yield encode(block);
}

function encode(rows: readonly (readonly unknown[])[]): Uint8Array {
  const cells = rows.map((row) => row.map(csvCell));
  // The empty cell of a single column is quoted: a blank line is no record.
  return Buffer.from(
    stringify(cells, {
      record_delimiter: "windows",
      cast: { boolean: String },
      quoted_match: /[\n\r]/,
      quoted_empty: rows[0]?.length === 1,
    }),
  );
}

function csvCell(value: unknown): string | number | boolean {
  const shown = cellValue(value);
  return typeof shown === "string" && looksLikeFormula(shown) ? `'${shown}` : shown;
}
