import { Parser } from "csv-parse";
import { parse } from "csv-parse/sync";

/** One record of a CSV text: its cells, or what is wrong with it, and the line it starts on. */
export type CsvRecord = { line: number; cells: string[]; fault?: undefined } | { line: number; cells?: undefined; fault: string };

const RECORD_DELIMITERS = ["\r\n", "\n", "\r"];
const LINE_BREAK = /\r\n|\n|\r/g;
const QUOTE = 0x22;

/**
 * Cuts CSV text (RFC 4180) into records, block by block, in constant memory.
 *
 *     feed(text)  → the records that are complete; the incomplete end is kept for the next block
 *     end()       → what was left
 *
 * Looser than the RFC where spreadsheets are: LF, CRLF or CR, a quote inside an unquoted cell is a character, blank lines are no
 * records. A record with text after a closing quote is a fault of its own; a quote that is never closed is a fault and the end.
 *
 * Records leave csv-parse through `on_record` instead of its readable side: as fast, with their place in the text, and still a
 * block at a time.
 */
export class CsvRecords {
  private readonly delimiter: string;
  private readonly maxRecordBytes: number;
  private readonly parser: Parser;
  private records: CsvRecord[] = [];
  private ended = false;
  /** Where the next record starts: its line, and the lines and empty lines csv-parse had counted before it. */
  private line = 1;
  private linesBefore = 0;
  private emptyBefore = 0;
  /** The bytes from `blocksStart` on: those of every record that is not complete. */
  private blocks: Buffer[] = [];
  private blocksStart = 0;
  private fedBytes = 0;
  private recordStart = 0;

  constructor(delimiter: string, maxRecordBytes: number) {
    this.delimiter = delimiter;
    this.maxRecordBytes = maxRecordBytes;
    this.parser = new Parser({
      delimiter,
      record_delimiter: RECORD_DELIMITERS,
      // A quote inside a cell is a character. Where it closes a cell too early, misquoted() finds it.
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (cells: string[], { lines, empty_lines: empty, bytes }) => {
        this.add(cells, lines, empty, bytes);
        return null;
      },
    });
    // The callbacks of write and end get it.
    this.parser.on("error", () => {});
  }

  async feed(text: string): Promise<CsvRecord[]> {
    if (this.ended) return [];
    const block = Buffer.from(text);
    this.blocks.push(block);
    this.fedBytes += block.length;
    await new Promise<void>((resolve, reject) => this.parser.write(block, (error) => (error ? reject(error) : resolve())));
    while (this.blocks.length > 0 && this.blocksStart + this.blocks[0]!.length <= this.recordStart)
      this.blocksStart += this.blocks.shift()!.length;
    if (this.fedBytes - this.recordStart > this.maxRecordBytes) {
      this.ended = true;
      const line = this.startLine(this.parser.info.empty_lines);
      const fault = `The record that starts in line ${line} is longer than ${this.maxRecordBytes} bytes; close its quote or shorten it (the rows after it cannot be read)`;
      this.records.push({ line, fault });
    }
    return this.take();
  }

  async end(): Promise<CsvRecord[]> {
    if (this.ended) return [];
    this.ended = true;
    const error = await new Promise<Error | null | undefined>((resolve) => this.parser.end(resolve));
    if (error) {
      if (!("code" in error && error.code === "CSV_QUOTE_NOT_CLOSED")) throw error;
      const line = this.startLine(this.parser.info.empty_lines);
      this.records.push({ line, fault: `Line ${line} opens a quote that is never closed; close it (the rows after it cannot be read)` });
    }
    return this.take();
  }

  private take(): CsvRecord[] {
    const records = this.records;
    this.records = [];
    return records;
  }

  private add(cells: string[], lines: number, empty: number, end: number): void {
    const line = this.startLine(empty);
    const cell = cells.some((text) => text.charCodeAt(0) === QUOTE) ? this.misquoted(end) : null;
    if (cell === null) this.records.push({ line, cells });
    else
      this.records.push({
        line,
        fault: `Line ${line} has text after a closing quote in cell ${cell}; double the quotes inside a quoted cell`,
      });
    // csv-parse counts CRLF inside quotes as two lines, so the breaks of a record of several lines are counted here.
    const single = lines - this.linesBefore === 1 + empty - this.emptyBefore;
    this.line = line + 1 + (single ? 0 : cells.reduce((sum, text) => sum + (text.match(LINE_BREAK)?.length ?? 0), 0));
    this.linesBefore = lines;
    this.emptyBefore = empty;
    this.recordStart = end;
  }

  private startLine(empty: number): number {
    return this.line + empty - this.emptyBefore;
  }

  /** The number of the first cell with text after its closing quote, or null; found by reading the record's bytes once more, strictly. */
  private misquoted(end: number): number | null {
    if (this.blocks.length > 1) this.blocks = [Buffer.concat(this.blocks)];
    const bytes = this.blocks[0]!.subarray(this.recordStart - this.blocksStart, end - this.blocksStart);
    let cell: number | null = null;
    parse(bytes, {
      delimiter: this.delimiter,
      record_delimiter: RECORD_DELIMITERS,
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_skip: (error) => {
        if (error?.code === "CSV_INVALID_CLOSING_QUOTE") cell ??= Number(error["column"]) + 1;
        return undefined;
      },
    });
    return cell;
  }
}
