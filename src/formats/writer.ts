import { writeCsv } from "./csv/csv-writer.ts";
import type { WriteSource } from "./columns.ts";
import type { WriteFormat } from "./format.ts";
import { writeJsonl } from "./json/jsonl-writer.ts";
import { writeXlsx } from "./xlsx/xlsx-writer.ts";

/** Rows as a file of `format`, in blocks, in constant memory. Nested values are JSON in the cells of csv and xlsx. `fields`: see columnsOf. */
export function write(
  format: WriteFormat,
  source: WriteSource,
  options: { fields?: readonly string[] | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (format) {
    case "csv":
      return writeCsv(source, options.fields);
    case "xlsx":
      return writeXlsx(source, options.fields);
    case "jsonl":
      return writeJsonl(source, options.fields);
  }
}
