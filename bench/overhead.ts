/**
 * What the sums of monitoring cost: the share of a run's time that is spent counting (job and flow rollups: gathering and
 * writing), measured by clocks around their methods; and the same runs with counting taken out, in turns.
 *
 *   node --conditions=batchyard-source bench/overhead.ts [--items 200000] [--rounds 3] [--save]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createBatchyard, defineOperation } from "batchyard";
import { FlowRollup } from "../src/store/sqlite/flow-rollup.ts";
import { JobRollup } from "../src/store/sqlite/job-rollup.ts";
import { percentile, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "200000" },
    rounds: { type: "string", default: "3" },
    save: { type: "boolean", default: false },
  },
});
const items = Number(values.items);
const rounds = Number(values.rounds);

type Mode = "counted" | "not counted";
let mode: Mode = "counted";
let spentMs = 0;
let depth = 0;

/** Puts a clock around a method, and takes it out while nothing is to be counted. */
function clocked<T extends object, K extends keyof T & string>(prototype: T, name: K): void {
  const original = prototype[name] as (...args: unknown[]) => unknown;
  const wrapped = function (this: unknown, ...args: unknown[]): unknown {
    if (mode === "not counted") return undefined;
    const startedAt = performance.now();
    depth += 1;
    try {
      return original.apply(this, args);
    } finally {
      depth -= 1;
      if (depth === 0) spentMs += performance.now() - startedAt;
    }
  };
  Object.defineProperty(prototype, name, { value: wrapped });
}
for (const name of ["changed", "removed", "flush"] as const) clocked(JobRollup.prototype, name);
for (const name of ["event", "results", "ended", "flush"] as const) clocked(FlowRollup.prototype, name);

const echo = defineOperation({ name: "echo", processItem: (item) => ({ result: item }) });

/** Items/s from the first item handed over to the last result durable. */
async function run(batches: number): Promise<{ perSecond: number; share: number }> {
  const root = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
  try {
    const yard = await createBatchyard({ data: root, operations: [echo] });
    spentMs = 0;
    const startedAt = performance.now();
    const each = Math.floor(items / batches);
    const ids: string[] = [];
    for (let n = 0; n < batches; n++) {
      const own = Array.from({ length: each }, (_, i) => ({ id: `item_${i}`, n: i }));
      ids.push((await yard.createBatch({ operation: "echo", items: own })).id);
    }
    for (const id of ids) await yard.waitForBatch(id);
    const ms = performance.now() - startedAt;
    await yard.close();
    return { perSecond: (each * batches * 1000) / ms, share: spentMs / ms };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const median = (numbers: readonly number[]): number =>
  percentile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
const rows: Row[] = [];
for (const [name, batches] of [
  ["one batch", 1],
  ["batches of 1,000 items", Math.ceil(items / 1000)],
] as const) {
  await run(batches);
  const counted: { perSecond: number; share: number }[] = [];
  const without: number[] = [];
  for (let round = 0; round < rounds; round++) {
    mode = "counted";
    counted.push(await run(batches));
    mode = "not counted";
    without.push((await run(batches)).perSecond);
  }
  mode = "counted";
  rows.push({
    run: name,
    items,
    "items/s": median(counted.map(({ perSecond }) => perSecond)),
    "items/s without counting": median(without),
    "share of the time that counts": `${(median(counted.map(({ share }) => share)) * 100).toFixed(2)} %`,
    "min..max": `${(Math.min(...counted.map(({ share }) => share)) * 100).toFixed(2)}..${(Math.max(...counted.map(({ share }) => share)) * 100).toFixed(2)} %`,
  });
}
report("Overhead of the monitoring sums", rows, [
  "The share is the figure: it is measured within each run. Items/s with and without differ by more than it between equal runs on a shared machine.",
]);
