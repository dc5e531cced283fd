/** The server of bench/ui.ts: after `{rate, batches}` it makes so many events a second, most of them progress of these batches. */
import { loadConfig } from "../../src/config.ts";
import { startServer } from "../../src/server.ts";
import type { EventDraft } from "../../src/model/event.ts";

const [data = ""] = process.argv.slice(2);
const server = await startServer({
  config: loadConfig({ ...process.env, BATCHYARD_DATA: data, BATCHYARD_PORT: "0", BATCHYARD_WORKERS: "0" }),
});
const TICK_MS = 10;
const TOTAL = 100_000;

function draft(n: number, batches: readonly string[]): EventDraft {
  const id = batches[n % batches.length]!;
  const processed = Math.floor(n / batches.length) % TOTAL;
  const type = n % 20 === 0 ? (n % 40 === 0 ? "batch.paused" : "batch.resumed") : "batch.progress";
  const status = type === "batch.paused" ? "paused" : "running";
  const counts = { total: TOTAL, processed, succeeded: processed, failed: 0, cancelled: 0, expired: 0 };
  const payload = { batch_id: id, operation: "operation-0", status, epoch: 1, progress: Math.floor((processed * 100) / TOTAL), ...counts };
  return { tenant: "default", type, entity: { kind: "batch", id }, severity: "info", ts: Date.now(), data: payload };
}

async function produce(rate: number, batches: readonly string[]): Promise<void> {
  const started = performance.now();
  for (let made = 0; ;) {
    const due = Math.floor(((performance.now() - started) / 1000) * rate);
    const drafts: EventDraft[] = [];
    for (; made < due; made++) drafts.push(draft(made, batches));
    if (drafts.length > 0) await server.yard.store.events.append(drafts);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

process.on("message", ({ rate, batches }: { rate: number; batches: string[] }) => void produce(rate, batches));
process.on("disconnect", () => process.exit(0));
process.send?.({ url: server.url });
