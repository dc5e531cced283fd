/**
 * Events to many readers: frames saved, delay from commit to reader, memory; and what grouping saves in database writes and
 * messages. The server and the readers are processes of their own.
 *
 *   node --conditions=batchyard-source bench/events.ts [--rates 1,20,100,1000] [--types 1,3] [--sse 100] [--sockets 20] [--seconds 5] [--policies default,classic] [--save]
 *
 * The full size: --rates 1,20,100,1000,5000 --sse 1000 --sockets 500 --seconds 10 --policies default
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EventBatcher } from "../src/events/batcher.ts";
import { openSqliteStore } from "../src/store/sqlite/store.ts";
import type { Figures, Made, ReaderCommand, ServerCommand, ServerReady } from "./events/messages.ts";
import { megabytes, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    rates: { type: "string", default: "1,20,100,1000" },
    types: { type: "string", default: "1,3" },
    sse: { type: "string", default: "100" },
    sockets: { type: "string", default: "20" },
    policies: { type: "string", default: "default,classic" },
    seconds: { type: "string", default: "5" },
    save: { type: "boolean", default: false },
  },
});
const token = "bench-token-of-sixteen-or-more";
const seconds = Number(values.seconds);
const numbers = (list: string): number[] => list.split(",").map(Number);
const POLICIES = [
  ["default", ""],
  ["classic", "?coalesce=classic"],
] as const;

const directory = mkdtempSync(join(tmpdir(), "batchyard-bench-"));

function start(script: string, ...args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, "events", script), args, {
    execArgv: ["--conditions=batchyard-source"],
    env: { ...process.env, BATCHYARD_TOKEN: token, LOG_LEVEL: "error" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function ask<T>(child: ChildProcess, command: ServerCommand | ReaderCommand): Promise<T> {
  const answer = once(child, "message");
  child.send(command);
  return (await answer)[0] as T;
}

interface Counts {
  stats: { events: number; frames: number; connections: { dropped: number }; channels: number };
}

async function statistics(url: string): Promise<Counts["stats"]> {
  const answer = await fetch(`${url}/api/events/stats`, { headers: { authorization: `Bearer ${token}` } });
  return ((await answer.json()) as Counts).stats;
}

async function live(): Promise<Row[]> {
  const rows: Row[] = [];
  const server = start("server.ts", join(directory, "live"));
  const { url } = ((await once(server, "message")) as [ServerReady])[0];
  const readers = start("readers.ts");
  await once(readers, "message");
  for (const [policy, query] of POLICIES.filter(([name]) => values.policies.split(",").includes(name))) {
    for (const types of numbers(values.types)) {
      const rates = numbers(values.rates);
      for (const { rate, criticals } of [...rates.map((each) => ({ rate: each, criticals: 0 })), { rate: rates.at(-1)!, criticals: 2 }]) {
        await ask(readers, { read: "open", url, token, query, sse: Number(values.sse), sockets: Number(values.sockets) });
        const before = await statistics(url);
        const { made, rss } = await ask<Made>(server, { make: "events", rate, seconds, types, criticals });
        await new Promise((resolve) => setTimeout(resolve, 700));
        const after = await statistics(url);
        let figures = await ask<Figures>(readers, { read: "report" });
        // A machine that is too small for so many readers is behind, which is what the delays then say.
        for (let waited = 0; figures.events < made * Math.ceil(Number(values.sse) / 20) && waited < 20; waited++) {
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          figures = await ask<Figures>(readers, { read: "report" });
        }
        const [events, frames] = [after.events - before.events, after.frames - before.frames];
        const measured = Math.ceil(Number(values.sse) / 20);
        if (events !== made || figures.events !== made * measured)
          throw new Error(`made ${made} events, coalesced ${events}, ${measured} readers got ${figures.events}`);
        rows.push({
          policy,
          "events/s": rate,
          "critical/s": criticals,
          "groups at once": types,
          "frames saved %": ((events - frames) / events) * 100,
          "p50 ms": figures.p50,
          "p99 ms": figures.p99,
          ...(criticals > 0 ? { "critical p99 ms": figures.criticalP99 } : {}),
          dropped: after.connections.dropped - before.connections.dropped,
          channels: after.channels,
          "server RSS": megabytes(rss),
        });
      }
    }
  }
  server.send({ make: "end" } satisfies ServerCommand);
  readers.kill();
  await once(server, "exit");
  return rows;
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
  const rows = await live();
  report("Events: fewer frames", rows, [
    `${values.sse} SSE and ${values.sockets} Socket.IO clients in another process, one reader in 20 measures; every measured reader got every event.`,
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
