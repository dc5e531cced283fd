/** The server of bench/events.ts: makes events at the rate it is told over IPC, and tells what they cost. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { loadConfig } from "../../src/config.ts";
import { startServer } from "../../src/server.ts";
import type { EventDraft } from "../../src/model/event.ts";
import type { Made, ServerCommand } from "./messages.ts";

const [data = ""] = process.argv.slice(2);
const server = await startServer({
  config: loadConfig({ ...process.env, BATCHYARD_DATA: data, BATCHYARD_PORT: "0", BATCHYARD_WORKERS: "0" }),
  // Readers count every event: only those of the bench are to be there.
  alerts: false,
});
const { store } = server.yard;
const TYPES = ["batch.started", "batch.paused", "batch.resumed"];
const TICK_MS = 10;

/** The fields that the catalogue gives a batch. The id tells the readers when it was made. */
function draft(n: number, type: string): EventDraft {
  const at = Date.now();
  const id = `batch_${at}_${n % 50}`;
  const isCritical = type === "chunk.stalled";
  const done = n % 1000;
  const data = isCritical
    ? { batch_id: id, chunk: n, reason: "lease_lost", worker: null, crashes: 1 }
    : {
        batch_id: id,
        operation: "transform",
        status: "running",
        epoch: 1,
        total: 1000,
        processed: done,
        succeeded: done,
        failed: 0,
        cancelled: 0,
        expired: 0,
      };
  return { tenant: "default", type, entity: { kind: "batch", id }, severity: isCritical ? "critical" : "info", ts: at, data };
}

/** `rate` events a second, spread over ticks, and `criticals` critical ones a second apart from them. */
async function produce(command: Extract<ServerCommand, { make: "events" }>): Promise<void> {
  const cpu = process.cpuUsage();
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  const started = performance.now();
  let made = 0;
  let criticals = 0;
  while (performance.now() - started < command.seconds * 1000) {
    const due = Math.floor(((performance.now() - started) / 1000) * command.rate);
    const drafts: EventDraft[] = [];
    for (; made < due; made++) drafts.push(draft(made, TYPES[made % command.types]!));
    if (drafts.length > 0) await store.events.append(drafts);
    if (performance.now() - started > ((criticals + 0.5) * 1000) / command.criticals) {
      criticals += 1;
      await store.events.append([draft(made, "chunk.stalled")]);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  const { user, system } = process.cpuUsage(cpu);
  lag.disable();
  const answer: Made = {
    made: made + criticals,
    rss: process.memoryUsage.rss(),
    lagP99: lag.percentile(99) / 1e6,
    cpu: (user + system) / 1000 / (performance.now() - started),
  };
  process.send?.(answer);
}

process.on("message", (command: ServerCommand) => {
  if (command.make === "events") void produce(command);
  else void server.stop().then(() => process.exit(0));
});
process.send?.({ url: server.url });
// Nobody is left to answer.
process.on("disconnect", () => process.exit(1));
