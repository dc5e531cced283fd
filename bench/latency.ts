/**
 * From createBatch to the start of the handler for one-item batches, idle and while a large low-priority batch runs; and
 * how long a ten-item high-priority batch takes beside it, from createBatch to its durable end.
 *
 *   node --conditions=batchyard-source bench/latency.ts [--items 1000000] [--probes 300] [--save]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createBatchyard, defineOperation } from "batchyard";
import { payload } from "./throughput/payload.ts";
import { percentile, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "1000000" },
    probes: { type: "string", default: "300" },
    save: { type: "boolean", default: false },
  },
});
const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
const probes = Number(values.probes);

let started: (at: number) => void = () => {};
const probe = defineOperation({
  name: "probe",
  async processItem(item) {
    started(performance.now());
    return { result: item };
  },
});
const noop = defineOperation({ name: "noop", processItem: async (item) => ({ result: item }) });
const yard = await createBatchyard({ data, operations: [probe, noop] });

async function handlerStart(priority: "low" | "normal" | "high"): Promise<number> {
  const at = new Promise<number>((resolve) => (started = resolve));
  const submitted = performance.now();
  await yard.createBatch({ operation: "probe", priority, items: [{ id: "one" }] });
  return (await at) - submitted;
}

async function tenItems(): Promise<number> {
  const submitted = performance.now();
  const batch = await yard.createBatch({ operation: "noop", priority: "high", items: Array.from({ length: 10 }, (_, i) => payload(i)) });
  await yard.waitForBatch(batch.id);
  return performance.now() - submitted;
}

async function sample(name: string, measure: () => Promise<number>, times: number, goesOn: () => Promise<boolean>): Promise<Row> {
  const all: number[] = [];
  for (let i = 0; i < times && (await goesOn()); i++) {
    all.push(await measure());
    // The next probe comes at its own time, not in step with whatever the last one woke.
    await new Promise((resolve) => setTimeout(resolve, 5 + (i % 17)));
  }
  const sorted = all.toSorted((a, b) => a - b);
  return {
    case: name,
    samples: sorted.length,
    "p50 ms": percentile(sorted, 0.5),
    "p99 ms": percentile(sorted, 0.99),
    "max ms": sorted.at(-1) ?? Number.NaN,
  };
}

const always = async (): Promise<boolean> => true;
for (let i = 0; i < 50; i++) await handlerStart("normal");
const rows = [await sample("idle: one item, submit → handler start", () => handlerStart("normal"), probes, always)];
rows.push(await sample("idle: ten items high, submit → durable end", tenItems, probes, always));

async function* many(): AsyncGenerator<object> {
  for (let i = 0; i < Number(values.items); i++) yield payload(i);
}
const large = await yard.createBatch({ operation: "noop", priority: "low", items: many() });
const running = async (): Promise<boolean> =>
  (await yard.getBatch(large.id)).status === "running" || (await yard.getBatch(large.id)).status === "pending";
rows.push(
  await sample(
    `beside ${values.items} low items: one normal item → handler start`,
    () => handlerStart("normal"),
    Math.floor(probes / 3),
    running,
  ),
);
rows.push(await sample(`beside ${values.items} low items: ten items high → durable end`, tenItems, Math.floor(probes / 3), running));
const stillRunning = await running();
await yard.waitForBatch(large.id);
await yard.close();
rmSync(data, { recursive: true, force: true });
report("Latency", rows, [
  stillRunning
    ? "The large batch was still running after the last probe."
    : "The large batch ended during the last probes; the sample counts say how many ran beside it.",
]);
