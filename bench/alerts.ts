/**
 * Alerts and metrics: what a rule that is tried on the last 7 days costs, every look of which measured 20 things, and what a scrape of
 * `/metrics` costs and holds with 20 and with 200 operations and streams, also while 1,000 items a second come in and are run.
 *
 *   node --conditions=batchyard-source bench/alerts.ts [--rounds 20] [--save]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadConfig } from "../src/config.ts";
import { createYard } from "../src/main.ts";
import { startServer } from "../src/server.ts";
import { ALERT_TICK_MS } from "../src/model/alert.ts";
import { defineOperation } from "../src/operations/define.ts";
import { VirtualClock } from "../src/testing/virtual-clock.ts";
import { percentile, report, type Row } from "./support/report.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" }, save: { type: "boolean", default: false } } });
const rounds = Number(values.rounds);
const DAY_MS = 86_400_000;
const INSTANCES = 20;
const TOKEN = "token-of-the-bench";

async function inFolder<T>(work: (data: string) => Promise<T>): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
  try {
    return await work(data);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** Of a round, on the clock and on the processor: on a shared machine the first says little. */
async function times(work: () => Promise<unknown>): Promise<Row> {
  const taken: number[] = [];
  const spent: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    spent.push((user + system) / 1000);
    taken.push(performance.now() - from);
  }
  taken.sort((a, b) => a - b);
  spent.sort((a, b) => a - b);
  return { "p50 ms": percentile(taken, 0.5), "p95 ms": percentile(taken, 0.95), "p50 CPU ms": percentile(spent, 0.5) };
}

/** Every operation's error rate is another one each minute, and over the threshold some times a day. */
function backTest(): Promise<Row> {
  return inFolder(async (data) => {
    const clock = new VirtualClock({ startsAt: Date.UTC(2026, 0, 8) });
    const yard = await createYard({ config: loadConfig({ BATCHYARD_DATA: data, LOG_LEVEL: "error" }), clock });
    const from = clock.now() - 7 * DAY_MS;
    let looks = 0;
    for (let at = from; at <= clock.now(); at += ALERT_TICK_MS, looks++) {
      const minute = Math.floor(at / 60_000);
      const samples = Array.from({ length: looks % 4 === 0 ? INSTANCES : 0 }, (_, n) => ({
        metric: "highErrorRate",
        instance: `operation:o${n}`,
        at,
        shape: "value" as const,
        number: (minute * 7 + n * 61) % 480 < 6 ? 12 : 3 + (minute % 7) / 100,
      }));
      const nothing = { states: [], episodes: [], messages: [], lines: [], sent: [], flushed: [], events: [] };
      await yard.store.alerts.commit({ tenant: "default", at, span: looks === 0 ? "begins" : "continues", samples, ...nothing });
    }
    const rule = { kind: "highErrorRate" as const, threshold: 9.5 };
    const tried = await yard.alerts.tryRule("default", "mine", rule);
    const taken = await times(() => yard.alerts.tryRule("default", "mine", rule));
    await yard.stop();
    const what = `a rule over 7 days: ${looks} looks, ${INSTANCES} things, ${tried.episodes.length} episodes`;
    return { case: what, ...taken };
  });
}

/** So many items a second, spread over all streams, in few windows: what comes too late comes with the next. */
function flowing(itemsPerSecond: number, names: readonly string[], offer: (name: string, lines: string[]) => Promise<unknown>) {
  let sent = 0;
  let running: Promise<unknown> = Promise.resolve();
  const from = performance.now();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - from) * itemsPerSecond) / 1000);
    const lines = new Map<string, string[]>();
    for (; sent < due; sent++) {
      const name = names[sent % names.length]!;
      lines.set(name, [...(lines.get(name) ?? []), `{"k":"load","id":"${sent}"}`]);
    }
    running = running.then(() => Promise.all([...lines].map(([name, items]) => offer(name, items))));
  }, 20);
  return {
    perSecond: () => (sent * 1000) / (performance.now() - from),
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

function scrapes(sources: number, itemsPerSecond = 0): Promise<Row[]> {
  return inFolder(async (data) => {
    const names = Array.from({ length: sources }, (_, n) => `source-${n}`);
    const server = await startServer({
      config: loadConfig({ BATCHYARD_DATA: data, BATCHYARD_PORT: "0", BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "error" }),
      operations: names.map((name) => defineOperation({ name, processItem: () => ({ result: 1 }) })),
    });
    const { yard, url } = server;
    const me = { tenant: "default", actor: "bench", role: "admin", credential: null, address: null } as const;
    for (const name of names) {
      await yard.streams.put(me, name, { operation: name, keyField: "k", maxItems: 2 });
      await yard.streams.offer(me, name, ['{"k":"a","id":"1"}', '{"k":"a","id":"2"}'], 0);
    }
    for (;;) {
      const { byOperation } = await yard.store.batches.counts("default");
      if (names.every((name) => byOperation[name]?.completed === 1)) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const name of itemsPerSecond === 0 ? [] : names)
      await yard.streams.put(me, name, { operation: name, keyField: "k", maxItems: 50, windowSeconds: 1 });
    const flow = flowing(itemsPerSecond, names, (name, lines) => yard.streams.offer(me, name, lines, 0));
    const rows: Row[] = [];
    for (const detail of ["full", "low"]) {
      const scrape = async (): Promise<string> =>
        (await fetch(`${url}/metrics?detail=${detail}`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
      const series = (await scrape()).split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
      const taken = await times(scrape);
      const load = itemsPerSecond === 0 ? "" : `, ${Math.round(flow.perSecond())} items/s`;
      rows.push({ case: `/metrics, ${sources} operations and streams${load}, detail=${detail}`, ...taken, series });
    }
    await flow.stop();
    await server.stop();
    return rows;
  });
}

report(
  "Alert rules tried on the past, and scrapes",
  [await backTest(), ...(await scrapes(20)), ...(await scrapes(200)), ...(await scrapes(20, 1_000))],
  [
    "Where items flow, the processor time of a scrape has that of the items of the same moment in it.",
    `Milliseconds, ${rounds} rounds one after the other; scrapes over HTTP. A series is a line of the answer. Processor time is the figure where other work shares the machine.`,
  ],
);
