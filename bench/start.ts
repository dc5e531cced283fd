/**
 * From the start of the process to `ready`, with an empty store and with a large one.
 *
 *   node --conditions=batchyard-source bench/start.ts [--gigabytes 2] [--rounds 5] [--save]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createBatchyard, defineOperation } from "batchyard";
import { megabytes, percentile, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    gigabytes: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    save: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const command = join(import.meta.dirname, "..", "bin", "batchyard.mjs");

async function timeToReady(data: string): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [command, "serve", "--port", "0", "--data", data], { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  const ready = await new Promise<number>((resolve, reject) => {
    child.stderr.on("data", (part: Buffer) => {
      text += part.toString();
      if (/^ready http/m.test(text)) resolve(performance.now() - started);
    });
    child.once("exit", (code) => reject(new Error(`serve ended with ${code}: ${text}`)));
  });
  child.removeAllListeners("exit");
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
  return ready;
}

/** Fills a store with finished batches of incompressible payloads until it is as large as asked. */
async function fill(data: string, bytes: number): Promise<number> {
  const keep = defineOperation({ name: "keep", processItem: (item) => ({ result: { id: item["id"] } }) });
  const yard = await createBatchyard({ data, operations: [keep] });
  let batches = 0;
  while (statSync(join(data, "batchyard.db")).size < bytes) {
    const items = Array.from({ length: 2000 }, (_, i) => ({ id: `item_${i}`, text: `${batches}-${i} `.repeat(700) }));
    await yard.waitForBatch((await yard.createBatch({ operation: "keep", items })).id);
    batches += 1;
  }
  await yard.close();
  return batches;
}

async function measure(name: string, data: string, batches: number): Promise<Row> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) times.push(await timeToReady(data));
  times.sort((a, b) => a - b);
  return {
    store: name,
    batches,
    size: megabytes(statSync(join(data, "batchyard.db")).size),
    "median ms": percentile(times, 0.5),
    "min..max": `${Math.round(times[0]!)}..${Math.round(times.at(-1)!)}`,
  };
}

const root = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
const rows: Row[] = [];
try {
  await timeToReady(join(root, "warm-up"));
  rows.push(await measure("empty", join(root, "warm-up"), 0));
  const large = join(root, "large");
  await timeToReady(large);
  const batches = await fill(large, Number(values.gigabytes) * 1024 ** 3);
  rows.push(await measure("large", large, batches));
} finally {
  rmSync(root, { recursive: true, force: true });
}
report("Start: process start → ready", rows);
