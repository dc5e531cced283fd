import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const RESULTS = fileURLToPath(new URL("../RESULTS.md", import.meta.url));

/** One row of a result table: a name and its figures. */
export type Row = Record<string, string | number>;

/** Rounded for people: 123,456 or 1.23. */
export function figure(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : String(Math.round(value * 100) / 100);
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}

/** Nearest rank. */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

function table(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  const cell = (value: string | number | undefined): string | number =>
    value === undefined ? "" : typeof value === "number" ? figure(value) : value;
  return [line(columns), line(columns.map(() => "---")), ...rows.map((row) => line(columns.map((column) => cell(row[column]))))].join("\n");
}

/**
 * Prints a section and, with `--save`, puts it into bench/RESULTS.md in the place of the one with the same title: machine,
 * date, commit and command stand above every table.
 */
export function report(title: string, rows: readonly Row[], notes: readonly string[] = []): void {
  const command = `node bench/${process.argv[1]!.split("/").at(-1)!} ${process.argv
    .slice(2)
    .filter((argument) => argument !== "--save")
    .join(" ")}`.trim();
  const head = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version} · ${new Date().toISOString().slice(0, 16)}Z · commit ${commit()} · \`${command}\``;
  const body = [`## ${title}`, "", head, "", table(rows), ...(notes.length === 0 ? [] : ["", ...notes]), ""].join("\n");
  process.stdout.write(`${body}\n`);
  if (process.argv.includes("--save")) save(title, body);
}

function commit(): string {
  return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
}

function save(title: string, body: string): void {
  let text: string;
  try {
    text = readFileSync(RESULTS, "utf8");
  } catch {
    text =
      "# Measured\n\nMachines are shared and noisy: ratios of one run hold, seconds do not. Each table names the command that made it.\n";
  }
  const start = text.indexOf(`## ${title}\n`);
  if (start < 0) text = `${text.trimEnd()}\n\n${body}`;
  else {
    const next = text.indexOf("\n## ", start + 1);
    text = text.slice(0, start) + body + (next < 0 ? "" : text.slice(next));
  }
  writeFileSync(RESULTS, text);
}
