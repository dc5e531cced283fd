/**
 * What the sums of monitoring cost: the share of a run's time that is spent counting (gathering, their log, their buckets), measured
 * by clocks around their methods; and pairs of runs with and without counting, whose order takes turns: the ratio of their CPU
 * time and of their throughput.
 *
 *   node --conditions=batchyard-source bench/overhead.ts [--items 200000] [--rounds 9] [--save]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createBatchyard, defineOperation } from "batchyard";
import { FlowRollup } from "../src/store/sqlite/sums/flow-rollup.ts";
import { JobRollup } from "../src/store/sqlite/sums/job-rollup.ts";
import { Sums } from "../src/store/sqlite/sums/sums.ts";
import { percentile, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "200000" },
    rounds: { type: "string", default: "9" },
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
for (const name of ["moving", "removed"] as const) clocked(JobRollup.prototype, name);
for (const name of ["event", "results", "ended"] as const) clocked(FlowRollup.prototype, name);
for (const name of ["flush", "catchUp"] as const) clocked(Sums.prototype, name);

const echo = defineOperation({ name: "echo", processItem: (item) => ({ result: item }) });

interface Run {
  /** From the first item handed over to the last result durable. */
  perSecond: number;
  /** Of all threads; milliseconds. */
  cpuMs: number;
  share: number;
}

async function run(batches: number, counting: Mode): Promise<Run> {
  const root = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
  try {
    mode = counting;
    const yard = await createBatchyard({ data: root, operations: [echo] });
    globalThis.gc?.();
    spentMs = 0;
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const each = Math.floor(items / batches);
    const ids: string[] = [];
    for (let n = 0; n < batches; n++) {
      const own = Array.from({ length: each }, (_, i) => ({ id: `item_${i}`, n: i }));
      ids.push((await yard.createBatch({ operation: "echo", items: own })).id);
    }
    for (const id of ids) await yard.waitForBatch(id);
    const ms = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    await yard.close();
    return { perSecond: (each * batches * 1000) / ms, cpuMs: (user + system) / 1000, share: spentMs / ms };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const median = (numbers: readonly number[]): number => percentile(sorted(numbers), 0.5);
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
const quartiles = (shares: readonly number[]): string =>
  `${percent(median(shares))} (${percent(percentile(sorted(shares), 0.25))}..${percent(percentile(sorted(shares), 0.75))})`;

const rows: Row[] = [];
for (const [name, batches] of [
  ["one batch", 1],
  ["batches of 1,000 items", Math.ceil(items / 1000)],
] as const) {
  await run(batches, "counted");
  const counted: Run[] = [];
  const without: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    const modes: Mode[] = round % 2 === 0 ? ["counted", "not counted"] : ["not counted", "counted"];
    for (const each of modes) (each === "counted" ? counted : without).push(await run(batches, each));
  }
  rows.push({
    run: name,
    items,
    "items/s": median(counted.map(({ perSecond }) => perSecond)),
    "items/s without counting": median(without.map(({ perSecond }) => perSecond)),
    "share of the time that counts": quartiles(counted.map(({ share }) => share)),
    "µs an item": median(counted.map(({ share, perSecond }) => (share * 1_000_000) / perSecond)),
    "more CPU time, by pairs": quartiles(counted.map(({ cpuMs }, n) => cpuMs / without[n]!.cpuMs - 1)),
    "more time, by pairs": quartiles(counted.map(({ perSecond }, n) => without[n]!.perSecond / perSecond - 1)),
  });
}
report("Overhead of the monitoring sums", rows, [
  "Median and quartiles. The share is measured within each run; what a pair differs by also has the work that counting gives to commits, and the noise of the machine.",
]);
