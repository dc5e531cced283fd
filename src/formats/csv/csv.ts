import { CsvRecords } from "./csv-records.ts";
import type { CsvRecord } from "./csv-records.ts";
import { headerFault } from "./header.ts";
import { MAX_RECORD_LENGTH } from "../row.ts";
import type { ReadRow, RowBlocks } from "../row.ts";
import { decodeUtf8 } from "../utf8.ts";

/** A header is looked for in this many characters before the delimiter is decided. */
const HEADER_LOOK = 64 * 1024;

const DELIMITERS = [",", ";", "\t"] as const;
export type Delimiter = (typeof DELIMITERS)[number];

export interface CsvOptions {
  /** Detected from the header when absent. */
  delimiter?: Delimiter | undefined;
}

/**
 * Streams the rows of a CSV file with a header row, in constant memory. Cells stay text. A BOM is skipped; line ends are LF,
 * CRLF or CR. A header that cannot be used is one fault and the end; an uneven row is a fault of its own.
 * Throws bad_encoding.
 */
export async function* readCsv(bytes: AsyncIterable<Uint8Array>, options: CsvOptions = {}): RowBlocks {
  const table = new Table();
  let records: CsvRecords | null = null;
  let head = "";
  for await (const block of decodeUtf8(bytes)) {
    if (records === null) {
      head += block;
      if (head.length < HEADER_LOOK && !/[\r\n]./.test(head)) continue;
      records = new CsvRecords(options.delimiter ?? detectDelimiter(head), MAX_RECORD_LENGTH);
      yield* table.rows(await records.feed(head));
    } else {
      yield* table.rows(await records.feed(block));
    }
    if (table.closed) return;
  }
  if (records === null) {
    if (head === "") return;
    records = new CsvRecords(options.delimiter ?? detectDelimiter(head), MAX_RECORD_LENGTH);
    yield* table.rows(await records.feed(head));
  }
  if (!table.closed) yield* table.rows(await records.end());
}

/**
 * The delimiter that occurs most often outside quotes in the first line; a comma when none does. (`delimiter_auto` of csv-parse
 * throws at letters beyond ASCII.)
 */
export function detectDelimiter(text: string): Delimiter {
  const counts = new Map<string, number>();
  let quoted = false;
  let started = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === "\n" || character === "\r") {
      if (started) break;
      continue;
    } else counts.set(character, (counts.get(character) ?? 0) + 1);
    started = true;
  }
  let best: Delimiter = ",";
  for (const delimiter of DELIMITERS) if ((counts.get(delimiter) ?? 0) > (counts.get(best) ?? 0)) best = delimiter;
  return best;
}

/** Turns records into rows: the first is the header, the others get its names. */
class Table {
  /** A header that cannot be used ends the file. */
  closed = false;
  private names: string[] | null = null;
  private row = 0;

  *rows(records: CsvRecord[]): Generator<ReadRow[], void, undefined> {
    const rows: ReadRow[] = [];
    for (const record of records) {
      if (this.names === null) {
        if (!this.begin(record, rows)) break;
        continue;
      }
      this.row += 1;
      rows.push(toRow(this.row, this.names, record));
    }
    if (rows.length > 0) yield rows;
  }

  private begin(record: CsvRecord, rows: ReadRow[]): boolean {
    const names = record.cells?.map((name) => name.trim()) ?? [];
    const fault =
      record.fault === undefined
        ? headerFault(names, "bad_csv", record.line)
        : { code: "bad_csv", message: record.fault, line: record.line };
    if (fault !== null) {
      this.closed = true;
      rows.push({ row: 1, fault });
      return false;
    }
    this.names = names;
    return true;
  }
}

function toRow(row: number, names: readonly string[], source: CsvRecord): ReadRow {
  const { cells, line } = source;
  if (cells === undefined) return { row, fault: { code: "bad_csv", message: source.fault, line } };
  if (cells.length !== names.length) {
    return {
      row,
      fault: {
        code: "bad_csv",
        message: `Line ${line} has ${cells.length} cells, the header has ${names.length}; quote cells that contain the delimiter`,
        line,
      },
    };
  }
  const record: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index++) record[names[index]!] = cells[index];
  return { row, record };
}
