import { Readable } from "node:stream";
import { ZipFile } from "yazl";
import { cellValue, looksLikeFormula } from "../cell.ts";
import { columnsOf } from "../columns.ts";
import type { WriteSource } from "../columns.ts";
import { columnName, escapeText } from "./xlsx-cell.ts";

/** Limits of the file format. */
const MAX_ROWS = 1_048_576;
const MAX_CELL_LENGTH = 32_767;

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/** Style 1 marks text that looks like a formula as quoted, so that it stays text when somebody edits the cell. */
const STYLES =
  `${HEAD}<styleSheet xmlns="${MAIN}"><fonts count="1"><font/></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
  `<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf xfId="0"/><xf xfId="0" numFmtId="49" applyNumberFormat="1" quotePrefix="1"/></cellXfs></styleSheet>`;

/** The date of every part: the same rows make the same bytes. */
const PART_DATE = new Date(Date.UTC(2000, 0, 1));

/**
 * A table as an .xlsx workbook in blocks, in constant memory, as fast as the reader takes it. Text is written as text, never as
 * a formula; numbers and booleans as themselves; longer text than a cell holds (32,767) ends in a mark that says how much is
 * missing. Beyond 1,048,576 rows it goes on in "Rows 2", "Rows 3". Columns: see columnsOf.
 */
export async function* writeXlsx(
  source: WriteSource,
  fields?: readonly string[],
  maxRows = MAX_ROWS,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { names, rows } = await columnsOf(source, fields);
  const zip = new ZipFile();
  const cursor = new Cursor(rows);
  let failure: unknown = null;
  let sheets = 0;
  const fail = (error: unknown): void => {
    failure ??= error;
    output.destroy(error instanceof Error ? error : new Error("The rows cannot be read", { cause: error }));
  };
  const output = zip.outputStream as Readable;
  const addSheet = (): void => {
    sheets += 1;
    zip.addReadStreamLazy(`xl/worksheets/sheet${sheets}.xml`, { mtime: PART_DATE }, (callback) => {
      const stream = Readable.from(sheetXml(names, cursor, maxRows), { objectMode: false, highWaterMark: 256 * 1024 });
      stream.on("error", fail);
      // Whether there is another sheet shows only when this one has ended.
      stream.on("end", () => (cursor.ended ? finish() : addSheet()));
      callback(null, stream);
    });
  };
  const finish = (): void => {
    zip.addBuffer(Buffer.from(workbookXml(sheets)), "xl/workbook.xml", { mtime: PART_DATE });
    zip.addBuffer(Buffer.from(relationsXml(sheets)), "xl/_rels/workbook.xml.rels", { mtime: PART_DATE });
    zip.addBuffer(Buffer.from(STYLES), "xl/styles.xml", { mtime: PART_DATE });
    zip.addBuffer(Buffer.from(contentTypesXml(sheets)), "[Content_Types].xml", { mtime: PART_DATE });
    zip.end();
  };
  zip.on("error", fail);
  const root = `${HEAD}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`;
  zip.addBuffer(Buffer.from(root), "_rels/.rels", { mtime: PART_DATE });
  addSheet();
  try {
    for await (const block of output as AsyncIterable<Uint8Array>) yield block;
  } catch (error) {
    throw failure ?? error;
  } finally {
    await cursor.close();
  }
}

/** Blocks of rows that several sheets take from one after the other. */
class Cursor {
  ended = false;
  private readonly iterator: AsyncIterator<unknown[][]>;
  private block: unknown[][] | null = null;

  constructor(rows: AsyncIterable<unknown[][]>) {
    this.iterator = rows[Symbol.asyncIterator]();
  }

  /** At most `limit` rows; an empty block when there are none left. `ended` is exact after each call. */
  async take(limit: number): Promise<unknown[][]> {
    const block = this.block ?? (await this.next());
    this.block = block.length > limit ? block.slice(limit) : await this.next();
    return block.length > limit ? block.slice(0, limit) : block;
  }

  async close(): Promise<void> {
    await this.iterator.return?.();
  }

  private async next(): Promise<unknown[][]> {
    while (!this.ended) {
      const next = await this.iterator.next();
      if (next.done === true) this.ended = true;
      else if (next.value.length > 0) return next.value;
    }
    return [];
  }
}

async function* sheetXml(names: readonly string[], cursor: Cursor, maxRows: number): AsyncGenerator<Buffer, void, undefined> {
  const columns = names.map((_, index) => columnName(index));
  yield Buffer.from(`${HEAD}<worksheet xmlns="${MAIN}"><sheetData>${rowXml(columns, names, 1)}`);
  let row = 1;
  while (row < maxRows) {
    const block = await cursor.take(maxRows - row);
    if (block.length === 0) break;
    let xml = "";
    for (const cells of block) xml += rowXml(columns, cells, (row += 1));
    yield Buffer.from(xml);
  }
  yield Buffer.from("</sheetData></worksheet>");
}

function rowXml(columns: readonly string[], cells: readonly unknown[], row: number): string {
  let xml = `<row r="${row}">`;
  for (let index = 0; index < columns.length; index++) {
    const value = cellValue(cells[index]);
    if (value === "") continue;
    const reference = `${columns[index]!}${row}`;
    if (typeof value === "number") xml += `<c r="${reference}"><v>${value}</v></c>`;
    else if (typeof value === "boolean") xml += `<c r="${reference}" t="b"><v>${value ? 1 : 0}</v></c>`;
    else
      xml += `<c r="${reference}"${looksLikeFormula(value) ? ' s="1"' : ""} t="inlineStr"><is><t xml:space="preserve">${escapeText(fitting(value))}</t></is></c>`;
  }
  return `${xml}</row>`;
}

function fitting(text: string): string {
  if (text.length <= MAX_CELL_LENGTH) return text;
  const mark = ` … [${text.length} characters in all]`;
  return text.slice(0, MAX_CELL_LENGTH - mark.length) + mark;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function workbookXml(sheets: number): string {
  const entries = numbers(sheets).map((n) => `<sheet name="${n === 1 ? "Rows" : `Rows ${n}`}" sheetId="${n}" r:id="rId${n}"/>`);
  return `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${entries.join("")}</sheets></workbook>`;
}

function relationsXml(sheets: number): string {
  const entries = numbers(sheets).map((n) => `<Relationship Id="rId${n}" Type="${OFFICE}/worksheet" Target="worksheets/sheet${n}.xml"/>`);
  return `${HEAD}<Relationships xmlns="${PACKAGE}/relationships">${entries.join("")}<Relationship Id="rId${sheets + 1}" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`;
}

function contentTypesXml(sheets: number): string {
  const entries = numbers(sheets).map((n) => `<Override PartName="/xl/worksheets/sheet${n}.xml" ContentType="${TYPES}.worksheet+xml"/>`);
  return (
    `${HEAD}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
    `<Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${TYPES}.styles+xml"/>${entries.join("")}</Types>`
  );
}
