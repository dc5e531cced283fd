/**
 * `batchyard run validate` over a CSV of a million rows, as a user types it: rows/s end to end and the peak RSS of the process.
 *
 *   node bench/run-csv.ts [--rows 1000000] [--save]
 */
import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { once } from "node:events";
import { figure, megabytes, report } from "./support/report.ts";

const { values } = parseArgs({ options: { rows: { type: "string", default: "1000000" }, save: { type: "boolean", default: false } } });
const rows = Number(values.rows);
const directory = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
const input = join(directory, "films.csv");
const output = join(directory, "checked.jsonl");

const file = createWriteStream(input);
file.write("id,title,year,rating,genre,director,gross,notes\n");
for (let i = 0; i < rows; i++) {
  const line = `${i},Title of film number ${i},${1950 + (i % 70)},${(i % 100) / 10},Drama,"Director, ${i % 997}",${(i * 13) % 1000003},Some notes about this film\n`;
  if (!file.write(line)) await once(file, "drain");
}
file.end();
await once(file, "finish");

const schema = {
  type: "object",
  required: ["title", "year"],
  properties: { year: { pattern: "^(19|20)[0-9]{2}$" }, rating: { pattern: "^[0-9](\\.[0-9])?$" } },
};
const started = performance.now();
const command = join(import.meta.dirname, "..", "bin", "batchyard.mjs");
const child = spawn(
  "/usr/bin/time",
  ["-v", process.execPath, command, "run", "validate", "--input", input, "--options", JSON.stringify({ schema }), "--output", output],
  { stdio: ["ignore", "ignore", "pipe"] },
);
let text = "";
child.stderr.on("data", (part: Buffer) => (text += part.toString()));
const [code] = (await once(child, "exit")) as [number];
const seconds = (performance.now() - started) / 1000;
const peak = Number(/Maximum resident set size \(kbytes\): (\d+)/.exec(text)?.[1]) * 1024;
if (code !== 0) throw new Error(`run ended with ${code}: ${text}`);
report("run: validate a CSV file without a server", [
  {
    rows: figure(rows),
    input: megabytes(statSync(input).size),
    output: megabytes(statSync(output).size),
    seconds,
    "rows/s end to end": rows / seconds,
    "peak RSS": megabytes(peak),
  },
]);
rmSync(directory, { recursive: true, force: true });
