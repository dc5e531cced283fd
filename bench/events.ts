/**
 * Events to many readers: frames saved, delay from commit to reader, memory; and what grouping saves in database writes and
 * messages. The server and the readers are processes of their own.
 *
 *   node --conditions=batchyard-source bench/events.ts [--rates 1,20,100,1000,5000] [--types 1] [--sse 1000] [--sockets 500]
 *     [--seconds 6] [--policies default,merged,classic] [--profile DIR] [--save]
 *
 * `merged` is the default policy with Socket.IO clients that ask for merged packets. `--profile` writes a CPU profile of the server.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EventBatcher } from "../src/events/frames/batcher.ts";
import { openSqliteStore } from "../src/store/sqlite/store.ts";
import type { Delays, Figures, Made, ReaderCommand, ServerCommand, ServerReady } from "./events/messages.ts";
import { megabytes, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    rates: { type: "string", default: "1,20,100,1000,5000" },
    types: { type: "string", default: "1" },
    sse: { type: "string", default: "1000" },
    sockets: { type: "string", default: "500" },
    policies: { type: "string", default: "default,merged,classic" },
    seconds: { type: "string", default: "6" },
    profile: { type: "string" },
    save: { type: "boolean", default: false },
  },
});
const token = "bench-token-of-sixteen-or-more";
const seconds = Number(values.seconds);
const numbers = (list: string): number[] => list.split(",").map(Number);
/** Heartbeats of two readers need not fall into the same run. */
const MAX_HEARTBEAT_BYTES = 600;
/** A reader that is not caught up so long after the last event will not catch up. */
const PATIENCE_S = 20;

const directory = mkdtempSync(join(tmpdir(), "batchyard-bench-"));

function start(script: string, flags: readonly string[], ...args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, "events", script), args, {
    execArgv: ["--conditions=batchyard-source", ...flags],
    env: { ...process.env, BATCHYARD_TOKEN: token, LOG_LEVEL: "error" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function ask<T>(child: ChildProcess, command: ServerCommand | ReaderCommand): Promise<T> {
  const answer = once(child, "message");
  child.send(command);
  return (await answer)[0] as T;
}

interface Statistics {
  events: number;
  frames: number;
  connections: { open: number; dropped: number };
  sockets: { open: number; dropped: number; packets: number; packets_saved: number };
}

async function statistics(url: string): Promise<Statistics> {
  const answer = await fetch(`${url}/api/events/stats`, { headers: { authorization: `Bearer ${token}` } });
  return ((await answer.json()) as { stats: Statistics }).stats;
}

async function live(): Promise<Row[]> {
  const rows: Row[] = [];
  const flags = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
  const server = start("server.ts", flags, join(directory, "live"));
  const { url } = ((await once(server, "message")) as [ServerReady])[0];
  const readers = start("readers.ts", []);
  await once(readers, "message");
  const [sse, sockets] = [Number(values.sse), Number(values.sockets)];
  for (const policy of values.policies.split(",")) {
    const isMerged = policy === "merged";
    await ask(readers, { read: "open", url, token, coalesce: isMerged ? "default" : policy, isMerged, sse, sockets });
    for (const types of numbers(values.types)) {
      const rates = numbers(values.rates);
      for (const { rate, criticals } of [...rates.map((each) => ({ rate: each, criticals: 0 })), { rate: rates.at(-1)!, criticals: 2 }])
        rows.push(await measure({ url, server, readers }, { policy, rate, criticals, types }));
    }
  }
  server.send({ make: "end" } satisfies ServerCommand);
  readers.kill();
  await once(server, "exit");
  return rows;
}

async function measure(
  { url, server, readers }: { url: string; server: ChildProcess; readers: ChildProcess },
  { policy, rate, criticals, types }: { policy: string; rate: number; criticals: number; types: number },
): Promise<Row> {
  await ask(readers, { read: "begin" });
  const before = await statistics(url);
  const { made, rss, lagP99, cpu } = await ask<Made>(server, { make: "events", rate, seconds, types, criticals });
  let figures = await ask<Figures>(readers, { read: "report" });
  // A machine that is too small for so many readers is behind, which is what the delays then say.
  for (let waited = 0; !isComplete(figures, made) && figures.sse.degraded === 0 && waited < PATIENCE_S; waited += 0.5) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    figures = await ask<Figures>(readers, { read: "report" });
  }
  const after = await statistics(url);
  const dropped = after.connections.dropped - before.connections.dropped + after.sockets.dropped - before.sockets.dropped;
  if (!isComplete(figures, made) && dropped + figures.sse.degraded === 0)
    throw new Error(`made ${made} events, the measured readers got ${[...figures.sse.events, ...figures.sockets.events].join(" ")}`);
  const saved = (events: number, frames: number): number => (events === 0 ? 0 : (1 - frames / events) * 100);
  return {
    policy,
    "events/s": rate,
    ...(numbers(values.types).length > 1 ? { "groups at once": types } : {}),
    "SSE saved %": saved(after.events - before.events, after.frames - before.frames),
    "SSE p50 ms": figures.sse.p50,
    "SSE p99 ms": figures.sse.p99,
    "Socket.IO saved %": saved(
      after.sockets.packets + after.sockets.packets_saved - before.sockets.packets - before.sockets.packets_saved,
      after.sockets.packets - before.sockets.packets,
    ),
    "Socket.IO p50 ms": figures.sockets.p50,
    "Socket.IO p99 ms": figures.sockets.p99,
    ...(criticals > 0 ? { "critical p99 ms": Math.max(figures.sse.criticalP99, figures.sockets.criticalP99) } : {}),
    "degraded, dropped": `${figures.sse.degraded}, ${dropped}`,
    "MB/s": (figures.sse.bytes + figures.sockets.bytes) / 1e6 / seconds,
    "loop p99 ms, CPU: server": `${Math.round(lagP99)}, ${Math.round(cpu * 100)} %`,
    "loop p99 ms, CPU: readers": `${Math.round(figures.lagP99)}, ${Math.round(figures.cpu * 100)} %`,
    "server RSS": megabytes(rss),
  };
}

/** Every measured reader got every event, and those that count got as many bytes as each other, but for heartbeats. */
function isComplete({ sse, sockets }: Figures, made: number): boolean {
  return [...sse.events, ...sockets.events].every((events) => events === made) && isEven(sse) && isEven(sockets);
}

function isEven({ least, most }: Delays): boolean {
  return most - least <= MAX_HEARTBEAT_BYTES;
}

/** The same job events stored and handed on one by one, and through the batcher. */
async function writes(useBatching: boolean): Promise<Row> {
  const store = openSqliteStore({ directory: join(directory, useBatching ? "grouped" : "single"), synchronous: "NORMAL" });
  let inserts = 0;
  let messages = 0;
  const batcher = new EventBatcher({
    useBatching: useBatching ? {} : { "": false },
    async send({ type, data }) {
      inserts += 1;
      messages += 1;
      await store.events.append([{ tenant: "default", type, entity: { kind: "job", id: "jobs" }, severity: "info", ts: Date.now(), data }]);
    },
  });
  // 40 jobs a second for three seconds, each with a start and an end.
  const jobs = 120;
  const cpu = process.cpuUsage();
  for (let id = 0; id < jobs; id++) {
    batcher.add({ type: "JOB_STARTED", data: { job_id: id } });
    await new Promise((resolve) => setTimeout(resolve, 25));
    batcher.add({ type: "JOB_COMPLETED", data: { job_id: id, processing_time_ms: 25 } });
  }
  await batcher.shutdown();
  const { user, system } = process.cpuUsage(cpu);
  await store.close();
  return {
    case: useBatching ? "grouped (10, 500 ms)" : "one by one",
    events: 2 * jobs,
    "database writes": inserts,
    messages,
    "CPU ms": (user + system) / 1000,
  };
}

try {
  const loadBefore = loadavg()[0]!;
  const rows = await live();
  report("Events: fewer frames", rows, [
    `${values.sse} SSE and ${values.sockets} Socket.IO clients in another process; five of each measure from before the commit to the parsed event and got every event unless degraded,`,
    "the others count bytes and all got as many. The events are steps of batches, which are never left out: Socket.IO packets keep their names unless",
    "a client asks for merging, so they save frames of figures only, and writes. `merged`: the default policy, with clients that asked.",
    `Load average of the machine before and after: ${loadBefore.toFixed(1)}, ${loadavg()[0]!.toFixed(1)}. Of its own the run makes about one; more is other work, and is in the delays.`,
  ]);
  const [single, grouped] = [await writes(false), await writes(true)];
  const saved = (name: string): number => (1 - Number(grouped[name]) / Number(single[name])) * 100;
  report("Events: database writes and messages", [
    single,
    grouped,
    { case: "saved %", events: 0, "database writes": saved("database writes"), messages: saved("messages"), "CPU ms": saved("CPU ms") },
  ]);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
