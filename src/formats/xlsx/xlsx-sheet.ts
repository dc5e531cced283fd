import { columnOf, dateOf, unescapeText } from "./xlsx-cell.ts";
import type { XlsxBook } from "./xlsx-book.ts";
import type { XmlHandler } from "./xlsx-package.ts";

export type CellValue = string | number | boolean;

/** Cells of one row by column; a column without a value is absent. `number` is the row of the sheet, 1-based. */
export interface SheetRow {
  number: number;
  cells: (CellValue | undefined)[];
}

/**
 * Collects the rows of a worksheet as its XML goes by. Text, also rich, is a string; a date an ISO 8601 text; a formula what it
 * last came out as; an error its name ("#DIV/0!"); an empty cell absent. Rows without values are left out.
 */
export class SheetRows implements XmlHandler {
  private readonly book: XlsxBook;
  private done: SheetRow[] = [];
  private row: SheetRow = { number: 0, cells: [] };
  private column = -1;
  private type = "";
  private style = 0;
  private value = "";
  private collecting = false;
  private phonetic = 0;

  constructor(book: XlsxBook) {
    this.book = book;
  }

  /** The rows that are complete since the last call. */
  take(): SheetRow[] {
    const rows = this.done;
    this.done = [];
    return rows;
  }

  open(name: string, attributes: Record<string, string>): void {
    if (name === "c") {
      const reference = attributes["r"];
      this.column = reference === undefined ? this.column + 1 : columnOf(reference);
      this.type = attributes["t"] ?? "n";
      this.style = Number(attributes["s"] ?? 0);
      this.value = "";
    } else if (name === "v" || name === "t") {
      this.collecting = this.phonetic === 0;
    } else if (name === "row") {
      this.row = { number: Number(attributes["r"] ?? this.row.number + 1), cells: [] };
      this.column = -1;
    } else if (name === "rPh") {
      this.phonetic += 1;
    }
  }

  text(piece: string): void {
    if (this.collecting) this.value += piece;
  }

  close(name: string): void {
    if (name === "v" || name === "t") this.collecting = false;
    else if (name === "c") this.keep();
    else if (name === "row" && this.row.cells.length > 0) this.done.push(this.row);
    else if (name === "rPh") this.phonetic -= 1;
  }

  private keep(): void {
    if (this.value === "" || this.column < 0 || this.column >= 16_384) return;
    this.row.cells[this.column] = this.read();
  }

  private read(): CellValue {
    const { type, value, book } = this;
    if (type === "s") return book.strings[Number(value)] ?? "";
    if (type === "str" || type === "inlineStr") return unescapeText(value);
    if (type === "b") return value === "1" || value === "true";
    if (type === "d" || type === "e") return value;
    const number = Number(value);
    if (Number.isNaN(number)) return value;
    return book.dateStyles[this.style] === true ? dateOf(number, book.date1904) : number;
  }
}
