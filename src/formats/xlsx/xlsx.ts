import { headerFault } from "../csv/header.ts";
import { BLOCK_ROWS } from "../row.ts";
import type { ReadRow, RowBlocks } from "../row.ts";
import { readBook } from "./xlsx-book.ts";
import { openPackage } from "./xlsx-package.ts";
import { SheetRows } from "./xlsx-sheet.ts";
import type { SheetRow } from "./xlsx-sheet.ts";
import { columnName } from "./xlsx-cell.ts";

/** 1,048,576 rows of 4 KB; a sheet that unpacks to more was made to. */
const MAX_SHEET_BYTES = 4 * 1024 * 1024 * 1024;

/**
 * Streams the rows of a workbook: of its first visible sheet, and of those that go on from it ("Rows", "Rows 2"). The first row
 * with values is the header. Memory holds the shared strings and one block. A cell under no header is a fault of its row.
 * Throws bad_file, unpacked_too_large.
 */
export async function* readXlsx(path: string): RowBlocks {
  const parts = await openPackage(path);
  try {
    const book = await readBook(parts);
    let row = 0;
    for (const sheet of book.sheets) {
      let names: string[] | null = null;
      let block: ReadRow[] = [];
      for await (const rows of parts.parse(sheet, new SheetRows(book), MAX_SHEET_BYTES)) {
        for (const source of rows.take()) {
          if (names === null) {
            names = namesOf(source);
            const fault = headerFault(names, "bad_xlsx", null);
            if (fault === null) continue;
            yield [{ row: row + 1, fault }];
            return;
          }
          row += 1;
          block.push(toRow(row, names, source));
        }
        if (block.length >= BLOCK_ROWS) {
          yield block;
          block = [];
        }
      }
      if (block.length > 0) yield block;
    }
  } finally {
    parts.close();
  }
}

function namesOf(header: SheetRow): string[] {
  return Array.from(header.cells, (cell) => (cell === undefined ? "" : String(cell).trim()));
}

function toRow(row: number, names: readonly string[], source: SheetRow): ReadRow {
  const { cells, number } = source;
  if (cells.length > names.length) {
    const place = `${columnName(cells.length - 1)}${number}`;
    return {
      row,
      fault: {
        code: "bad_xlsx",
        message: `Cell ${place} has a value but its column has no name in the header row; name the column or clear the cell`,
        line: number,
      },
    };
  }
  const record: Record<string, unknown> = {};
  for (let index = 0; index < cells.length; index++) {
    if (cells[index] !== undefined) record[names[index]!] = cells[index];
  }
  return { row, record };
}
