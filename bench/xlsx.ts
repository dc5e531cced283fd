/**
 * Reading and writing a workbook of 100,000 rows of 8 cells: our reader and writer (yauzl, saxes, yazl) beside exceljs in its
 * streaming use. Each runs in a process of its own, one after the other; what is read was written by the same library.
 *
 *   node bench/xlsx.ts [--rows 100000] [--save]
 */
import ExcelJS from "exceljs";
import { spawnSync } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { write } from "../src/formats/writer.ts";
import { readXlsx } from "../src/formats/xlsx/xlsx.ts";
import { figure, megabytes, report } from "./support/report.ts";

const { values, positionals } = parseArgs({
  options: { rows: { type: "string", default: "100000" }, save: { type: "boolean", default: false } },
  allowPositionals: true,
});
const rows = Number(values.rows);
const BLOCK = 1000;

function film(i: number): Record<string, unknown> {
  return {
    id: `f${i}`,
    title: `Title of film number ${i}`,
    year: 1950 + (i % 70),
    rating: (i % 100) / 10,
    genre: "Drama",
    director: `Director ${i % 997}`,
    gross: (i * 13) % 1_000_003,
    notes: "Some notes about this film",
  };
}

async function* films(): AsyncGenerator<Record<string, unknown>[]> {
  for (let at = 0; at < rows; at += BLOCK) yield Array.from({ length: Math.min(BLOCK, rows - at) }, (_, i) => film(at + i));
}

const NAMES = Object.keys(film(0));

/** Each returns how many rows it handled. */
const jobs: Record<string, (path: string) => Promise<number>> = {
  async "write batchyard"(path) {
    await pipeline(write("xlsx", films(), { fields: NAMES }), createWriteStream(path));
    return rows;
  },
  async "write exceljs"(path) {
    const book = new ExcelJS.stream.xlsx.WorkbookWriter({ filename: path, useStyles: false, useSharedStrings: false });
    const sheet = book.addWorksheet("Rows");
    sheet.addRow(NAMES).commit();
    for await (const block of films()) for (const row of block) sheet.addRow(Object.values(row)).commit();
    sheet.commit();
    await book.commit();
    return rows;
  },
  async "read batchyard"(path) {
    let count = 0;
    for await (const block of readXlsx(path)) for (const row of block) if (row.record !== undefined) count += 1;
    return count;
  },
  async "read exceljs"(path) {
    let count = -1;
    const book = new ExcelJS.stream.xlsx.WorkbookReader(path, {
      worksheets: "emit",
      sharedStrings: "cache",
      styles: "cache",
      hyperlinks: "ignore",
      entries: "emit",
    });
    for await (const sheet of book) for await (const row of sheet) if (Array.isArray(row.values)) count += 1;
    return count;
  },
};

const [name, path] = positionals;
if (name !== undefined && path !== undefined) {
  const started = performance.now();
  const count = await jobs[name]!(path);
  const seconds = (performance.now() - started) / 1000;
  if (count !== rows) throw new Error(`${name} handled ${count} rows of ${rows}`);
  console.log(JSON.stringify({ seconds, peakBytes: process.resourceUsage().maxRSS * 1024 }));
} else {
  const directory = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
  const lines = Object.keys(jobs).map((job) => {
    const book = join(directory, `${job.split(" ")[1]!}.xlsx`);
    const child = spawnSync(process.execPath, [import.meta.filename, "--rows", String(rows), job, book], { encoding: "utf8" });
    if (child.status !== 0) throw new Error(`${job}: ${child.stderr}`);
    const { seconds, peakBytes } = JSON.parse(child.stdout) as { seconds: number; peakBytes: number };
    return {
      job,
      rows: figure(rows),
      file: megabytes(statSync(book).size),
      seconds,
      "rows/s": rows / seconds,
      "peak RSS": megabytes(peakBytes),
    };
  });
  rmSync(directory, { recursive: true, force: true });
  report("xlsx: 100,000 rows of 8 cells beside exceljs", lines);
}
