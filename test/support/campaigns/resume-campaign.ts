import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import type { StoredEvent } from "../../../src/model/event.ts";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import type { StreamStatistics } from "../../../src/events/sse/sse.ts";
import { classOf } from "../../../src/events/catalogue.ts";
import type { Child } from "../child.ts";
import { CuttingProxy } from "../cutting-proxy.ts";
import { ClientReader, RawReader, SocketReader, type HeardEvent, type Reader, type Standing } from "../event-readers.ts";
import { numbered } from "../fates.ts";
import { seeded } from "../random.ts";
import { ready, starting, TOKEN, type Served } from "../served.ts";

export interface ResumeOptions {
  disconnects: number;
  restarts: number;
  seed: number;
  /** Empty folder. */
  folder: string;
  say?: (line: string) => void;
}

export interface ResumeCampaign {
  /** Everything that broke a promise; empty = all held. */
  faults: string[];
  disconnects: number;
  /** Of them, those that struck within a frame. */
  withinFrame: number;
  restarts: { SIGKILL: number; SIGTERM: number };
  readers: number;
  /** Connections of all readers. */
  connections: number;
  batches: number;
  events: number;
  seconds: number;
}

const STREAM = "readings";
/** Between two cuts, on average. */
const CUT_EVERY_MS = 40;
/** Cuts among fewer events than this many each would prove little: where the server is slow, they go on until there were as many. */
const EVENTS_PER_CUT = 3;
/** Readers that hear nothing new for so long will not hear the last event, and batches that do not move will not end. */
const PATIENCE_MS = 60_000;
const BATCH_ITEMS = 60;
const WORK_MS = 15;

const RAW = ["?coalesce=off", "?coalesce=off", "", "?window=60", "?coalesce=classic", "?coalesce=30ms,3"];

/**
 * Batches run and items stream in while the connections of readers of every kind are cut, also within frames, and the server
 * is killed and stopped again and again. In the end what each reader was told is held against the store.
 */
export async function resumeCampaign(options: ResumeOptions): Promise<ResumeCampaign> {
  const { disconnects, restarts, seed, folder, say = () => {} } = options;
  const startedAt = performance.now();
  const random = seeded(seed);
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  const faults: string[] = [];
  const kinds = { SIGKILL: 0, SIGTERM: 0 };

  let port: number | null = null;
  let served = await start();
  const epoch = (await cursorOf(served)).split(".")[0]!;

  const proxies: CuttingProxy[] = [];
  const proxied = async (): Promise<string> => {
    const proxy = new CuttingProxy(() => port);
    await proxy.listen();
    proxies.push(proxy);
    return proxy.url;
  };
  const raw: RawReader[] = [];
  for (const query of RAW)
    raw.push(new RawReader({ name: `raw ${raw.length} ${query}`, url: await proxied(), token: TOKEN, query, since: `${epoch}.0` }));
  const clients: ClientReader[] = [];
  for (const watches of [false, true, false])
    clients.push(new ClientReader({ name: `client ${clients.length}`, url: await proxied(), token: TOKEN, watches }));
  const sockets: SocketReader[] = [];
  for (let n = 0; n < 2; n++) sockets.push(new SocketReader({ name: `socket ${n}`, url: await proxied(), token: TOKEN }));
  const readers: Reader[] = [...raw, ...clients, ...sockets];
  await Promise.all(clients.map((client) => client.opened));

  const producing = new Producer(() => served, seeded(seed + 1));
  const cuts = (): number => proxies.reduce((sum, proxy) => sum + proxy.cuts.all, 0);
  try {
    for (let life = 0; life <= restarts; life++) {
      const due = Math.ceil((disconnects * (life + 1)) / (restarts + 1));
      const producer = producing.run();
      while (cuts() < due || Math.max(...raw.map(({ reached }) => reached)) < due * EVENTS_PER_CUT) {
        await pause(random() * 2 * CUT_EVERY_MS);
        const open = proxies.filter((proxy) => proxy.live > 0);
        // A third at once, the others after so many bytes more: anywhere in a frame.
        open[Math.floor(random() * open.length)]?.cut(random() < 0.3 ? 0 : 1 + Math.floor(random() * 1_500));
      }
      producing.stop();
      faults.push(...(await unhealthy(served)));
      if (life < restarts) {
        const signal = life % 2 === 0 ? "SIGKILL" : "SIGTERM";
        kinds[signal] += 1;
        const { child } = served;
        const end = child.end(signal);
        await producer;
        const { code } = await end;
        if (signal === "SIGTERM" && code !== 0) faults.push(`SIGTERM ended the server with ${code}: ${child.output}`);
        port = null;
        served = await start();
      } else await producer;
      if (life % 5 === 4 || life === restarts) say(`${cuts()} disconnects, ${life} restarts, ${producing.created} batches`);
    }

    const history = await finalBatches(served);
    const last = Number((await cursorOf(served)).split(".")[1]);
    const isTold = (reader: Reader): boolean =>
      reader instanceof RawReader
        ? reader.reached >= last
        : history.every(({ id, standing }) => sameStanding(reader.standing(id), standing) === null) &&
          (!(reader instanceof ClientReader) || !reader.watches || history.every(({ id }) => reader.watchedStanding(id) !== undefined));
    const patience = new Patience();
    const heard = (): unknown =>
      readers.map((reader) => (reader instanceof RawReader ? reader.reached : history.map(({ id }) => reader.standing(id))));
    while (!readers.every(isTold) && !patience.isOver(heard())) await pause(50);
    for (const reader of readers) {
      reader.close();
      faults.push(...reader.faults);
      if (!isTold(reader) && reader instanceof RawReader) faults.push(`${reader.name}: reached ${reader.reached} of ${last}`);
      for (const { id, standing } of history) {
        const differs = sameStanding(reader.standing(id), standing);
        if (differs !== null) faults.push(`${reader.name}: ${id} ${differs}`);
        if (!(reader instanceof ClientReader) || !reader.watches) continue;
        const watched = sameStanding(reader.watchedStanding(id), standing);
        if (watched !== null) faults.push(`${reader.name}, watching: ${id} ${watched}`);
      }
    }
    const { code } = await served.child.end("SIGTERM");
    if (code !== 0) faults.push(`SIGTERM ended the last server with ${code}: ${served.child.output}`);

    const log = (await logOf(data)).filter(({ seq }) => seq <= last);
    for (const reader of raw) faults.push(...heldAgainst(reader, log));
    return {
      faults,
      disconnects: cuts(),
      withinFrame: proxies.reduce((sum, proxy) => sum + proxy.cuts.withinFrame, 0),
      restarts: kinds,
      readers: readers.length,
      connections: readers.reduce((sum, { connections }) => sum + connections, 0),
      batches: history.length,
      events: log.length,
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    producing.stop();
    for (const reader of readers) reader.close();
    for (const proxy of proxies) await proxy.close();
  }

  async function start(): Promise<Served> {
    const child: Child = starting(data, { env: { LOG_LEVEL: "error" } });
    const up = await ready(child);
    port = Number(new URL(up.url).port);
    return up;
  }
}

/** Lasts as long as something moves. */
class Patience {
  private last = "";
  private movedAt = performance.now();

  isOver(state: unknown): boolean {
    const now = JSON.stringify(state);
    if (now !== this.last) this.movedAt = performance.now();
    this.last = now;
    return performance.now() - this.movedAt > PATIENCE_MS;
  }
}

/** Creates batches, pauses and cancels some, and pushes items into a stream, until it is stopped or its server is gone. */
class Producer {
  created = 0;
  private readonly served: () => Served;
  private readonly random: () => number;
  private isStopped = true;

  constructor(served: () => Served, random: () => number) {
    this.served = served;
    this.random = random;
  }

  async run(): Promise<void> {
    this.isStopped = false;
    const { client } = this.served();
    const tasks = [this.batches(client), this.items(client)];
    // What a server that was ended does not answer is of no account here: only what is stored is.
    await Promise.all(tasks.map((task) => task.catch(() => undefined)));
  }

  stop(): void {
    this.isStopped = true;
  }

  private async batches(client: Served["client"]): Promise<void> {
    while (!this.isStopped) {
      const items = numbered(this.created * BATCH_ITEMS, 1 + Math.floor(this.random() * BATCH_ITEMS));
      const request = { operation: "steady", name: `resume ${this.created}`, options: { workMs: WORK_MS, retryBackoffMs: 20 } };
      const { id } = await client.create(
        request,
        items.map((item) => ({ ...item })),
      );
      this.created += 1;
      const fate = this.random();
      if (fate < 0.2) {
        await client.pause(id).catch(() => undefined);
        await client.resume(id).catch(() => undefined);
      } else if (fate < 0.3) await client.cancel(id).catch(() => undefined);
      await pause(30 + this.random() * 120);
    }
  }

  private async items(client: Served["client"]): Promise<void> {
    await client.streams.put(STREAM, { operation: "steady", keyField: "key", windowSeconds: 2, idleTimeoutSeconds: 1, maxItems: 8 });
    for (let n = 0; !this.isStopped; n++) {
      await client.streams.push(STREAM, { id: `r${n}`, n, key: `k${n % 3}` });
      await pause(this.random() * 60);
    }
  }
}

async function cursorOf(served: Served): Promise<string> {
  const answer = await served.send("/api/batch/stats");
  await answer.body?.cancel();
  return answer.headers.get("x-stream-cursor")!;
}

/** What the server itself finds wrong with what it delivered. Delays are not looked at: they are the machine's. */
async function unhealthy(served: Served): Promise<string[]> {
  const { stats } = (await (await served.send("/api/events/stats")).json()) as { stats: Pick<StreamStatistics, "health"> };
  const { lost, payload } = stats.health;
  return [lost, payload].filter(({ ok }) => !ok).map((finding) => `the server says ${JSON.stringify(finding)}`);
}

/** Every batch of the store, when all have ended. */
async function finalBatches({ client }: Served): Promise<{ id: string; standing: Standing }[]> {
  await client.streams.flush(STREAM);
  for (const patience = new Patience(); ; await pause(100)) {
    const all: { id: string; standing: Standing }[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await client.history(cursor === undefined ? { limit: 100 } : { limit: 100, cursor });
      for (const { id, status, progress, processed_items: processed, failed_items: failed } of page.batches)
        all.push({ id, standing: { status, progress, processed, failed } });
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    const open = all.filter(({ standing }) => !["completed", "failed", "cancelled"].includes(standing.status));
    if (open.length === 0) return all;
    // A server was ended between the pause and the resumption.
    for (const { id, standing } of open) if (standing.status === "paused") await client.resume(id);
    if (patience.isOver(open)) throw new Error(`Not every batch has ended: ${JSON.stringify(open)}`);
  }
}

/** Null when what was told is what is stored, as far as the reader is told of it. */
function sameStanding(told: Standing | undefined, stored: Standing): string | null {
  if (told === undefined) return `was never told to its end, and is ${JSON.stringify(stored)}`;
  const isSame =
    told.status === stored.status &&
    told.progress === stored.progress &&
    (told.processed ?? stored.processed) === stored.processed &&
    (told.failed ?? stored.failed) === stored.failed;
  return isSame ? null : `is ${JSON.stringify(stored)}, told was ${JSON.stringify(told)}`;
}

async function logOf(data: string): Promise<StoredEvent[]> {
  const store = openSqliteStore({ directory: data, synchronous: "NORMAL" });
  try {
    const events: StoredEvent[] = [];
    for (;;) {
      const page = await store.events.read(events.at(-1)?.seq ?? 0, 5_000);
      if (page.length === 0) return events;
      events.push(...page);
    }
  } finally {
    await store.close();
  }
}

/** Every event once, in order for each entity; figures may be left out, but never the last one. */
function heldAgainst(reader: RawReader, log: readonly StoredEvent[]): string[] {
  if (reader.name.endsWith("coalesce=off")) {
    const seqs = reader.seqs.slice(0, log.length);
    const at = log.findIndex(({ seq }, index) => seq !== seqs[index]);
    return at < 0 ? [] : [`${reader.name}: expected ${log[at]!.seq} in place ${at}, read ${seqs[at]}`];
  }
  const stepsOf = (events: readonly HeardEvent[]): Map<string, HeardEvent[]> => {
    const steps = new Map<string, HeardEvent[]>();
    for (const { type, data } of events) {
      if (classOf(type) === "latest") continue;
      // Events without a batch of their own stand in one row.
      const entity = typeof data["batch_id"] === "string" ? data["batch_id"] : "";
      steps.set(entity, [...(steps.get(entity) ?? []), { type, data }]);
    }
    return steps;
  };
  const [expected, heard] = [stepsOf(log), stepsOf(reader.heard)];
  return [...expected].flatMap(([entity, steps]) => {
    const got = (heard.get(entity) ?? []).slice(0, steps.length);
    const at = steps.findIndex(({ type, data }, index) => got[index]?.type !== type || !isDeepStrictEqual(got[index].data, data));
    if (at < 0) return [];
    return [`${reader.name}: ${entity} expected ${JSON.stringify(steps[at])} in place ${at}, read ${JSON.stringify(got[at])}`];
  });
}
