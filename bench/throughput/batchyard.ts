import { createBatchyard, defineOperation } from "batchyard";
import { payload } from "./payload.ts";
import type { Measured } from "../throughput.ts";

const [items, data] = [Number(process.argv[2]), process.argv[3]!];
const noop = defineOperation({ name: "noop", processItem: async (item) => ({ result: item }) });
const yard = await createBatchyard({ data, operations: [noop] });

async function* all(): AsyncGenerator<object> {
  for (let i = 0; i < items; i++) yield payload(i);
}

const started = performance.now();
const batch = await yard.createBatch({ operation: "noop", items: all() });
const added = performance.now();
const { succeeded_items: succeeded } = await yard.waitForBatch(batch.id);
const ended = performance.now();
await yard.close();
if (succeeded !== items) throw new Error(`${succeeded} of ${items} succeeded`);
const measured: Measured = {
  items,
  addSeconds: (added - started) / 1000,
  totalSeconds: (ended - started) / 1000,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
};
console.log(JSON.stringify(measured));
