/**
 * Items per second from the first item handed over to the last result durable, for a no-op handler that returns its item:
 * Batchyard through the library, BullMQ (addBulk, Worker with concurrency 100, results kept), and a bare SQLite+JSON program
 * as the floor nobody can be much faster than. Each contender runs in its own process, one after another, in turns.
 *
 *   node bench/throughput.ts [--items 1000000] [--peer-items 200000] [--rounds 3] [--save]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { figure, megabytes, report, type Row } from "./support/report.ts";

export interface Measured {
  items: number;
  addSeconds: number;
  totalSeconds: number;
  peakRssBytes: number;
}

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "1000000" },
    "peer-items": { type: "string", default: "200000" },
    rounds: { type: "string", default: "3" },
    save: { type: "boolean", default: false },
  },
});

const CONTENDERS = [
  { name: "Batchyard (library, per-item handler)", file: "batchyard.ts", items: Number(values.items) },
  { name: "BullMQ (addBulk + Worker, concurrency 100)", file: "bullmq.ts", items: Number(values["peer-items"]) },
  { name: "Floor: bare SQLite + JSON", file: "floor.ts", items: Number(values.items) },
];

async function run(file: string, items: number): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
  try {
    const child = spawn(
      process.execPath,
      ["--conditions=batchyard-source", join(import.meta.dirname, "throughput", file), String(items), directory],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    if (code !== 0) throw new Error(`${file} ended with ${code}`);
    return JSON.parse(output.trim().split("\n").at(-1)!) as Measured;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

const runs = new Map<string, Measured[]>(CONTENDERS.map(({ name }) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const { name, file, items } of CONTENDERS) runs.get(name)!.push(await run(file, items));
}
const rate = (measured: Measured): number => measured.items / measured.totalSeconds;
const rows: Row[] = [];
const rates = new Map<string, number>();
for (const { name, items } of CONTENDERS) {
  const all = runs.get(name)!;
  rates.set(name, median(all.map(rate)));
  rows.push({
    contender: name,
    items: figure(items),
    "items/s (median)": rates.get(name)!,
    "min..max": `${figure(Math.min(...all.map(rate)))}..${figure(Math.max(...all.map(rate)))}`,
    "add s": median(all.map((one) => one.addSeconds)),
    "total s": median(all.map((one) => one.totalSeconds)),
    "peak RSS": megabytes(median(all.map((one) => one.peakRssBytes))),
  });
}
const [ours, peer, floor] = CONTENDERS.map(({ name }) => rates.get(name)!);
report("Throughput: no-op handler, durable payloads and results", rows, [
  `Batchyard is **${figure(ours! / peer!)} ×** BullMQ and ${figure((ours! / floor!) * 100)} % of the floor (medians of ${values.rounds} rounds run in turns).`,
]);
