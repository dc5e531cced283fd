import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "../child.ts";
import { numbered } from "../fates.ts";
import { lapse } from "../lapse.ts";
import { seeded } from "../random.ts";
import { callsIn, faultsOf, recount, type Call } from "../recount.ts";
import { finished, ready, starting, type Served } from "../served.ts";

export interface CampaignOptions {
  kills: number;
  items: number;
  seed: number;
  /** Empty folder. */
  folder: string;
  say?: (line: string) => void;
}

export interface Campaign {
  /** Everything that broke a promise; empty = all held. */
  faults: string[];
  kills: number;
  /** Kills before the server listened, while an upload had no answer, and that took work away; one may be two of these. */
  killsWhile: { starting: number; uploading: number; running: number };
  batches: number;
  items: number;
  /** Creates that were answered, and tries whose answer a kill took away. */
  acknowledged: number;
  unanswered: number;
  calls: number;
  /** Calls made again after a kill, and the most of one kill. */
  repeatedCalls: number;
  mostRepeatedByOneKill: number;
  /** Results that were read before a kill: of them none may be made again. */
  readBeforeKills: number;
  /** How long before its kill the oldest repeated call was made, ms. */
  oldestRepeatedMs: number;
  seconds: number;
}

/** Ways a batch is created: body and key in all combinations. */
const WAYS = [
  { stream: false, keyed: true },
  { stream: true, keyed: false },
  { stream: true, keyed: true },
  { stream: false, keyed: false },
];
/** What a server has time for between two kills, on average. */
const LIFE_MS = 400;
/** What an upload takes, about. */
const UPLOAD_MS = 40;
/** Handlers at work in a server that nothing disturbs: four chunks of 16 lanes. */
const LANES = 64;

interface Planned {
  index: number;
  first: number;
  count: number;
  /** Tries without an answer. */
  unanswered: number;
  id: string | null;
}

/**
 * Kills a server again and again at seeded instants (while it starts, while batches are uploaded, while handlers run),
 * starts it again at once as a supervisor would, and in the end counts everything.
 */
export async function killCampaign(options: CampaignOptions): Promise<Campaign> {
  const { kills, items, seed, folder, say = () => {} } = options;
  const startedAt = performance.now();
  const random = seeded(seed);
  const choice = seeded(seed + 1);
  const data = join(folder, "data");
  const calls = join(folder, "calls");
  mkdirSync(calls, { recursive: true });
  const serve = (): Child => starting(data, { env: { CALLS: calls, LOG_LEVEL: "error" } });

  const batches = Math.max(8, Math.ceil(kills / 2));
  const size = Math.floor(items / batches);
  const plan = Array.from({ length: batches }, (_, index): Planned => ({
    index,
    first: index * size,
    count: index === batches - 1 ? items - index * size : size,
    unanswered: 0,
    id: null,
  }));
  // Kills find handlers running all along, and all gets done in the end.
  const workMs = Math.round((LANES * LIFE_MS * kills) / items);
  const killsWhile = { starting: 0, uploading: 0, running: 0 };
  const killedAt = new Map<number, number>();
  /** Keys of results that were read, by the process that was killed after it. */
  const readFrom = new Map<number, ReadonlySet<string>>();
  let uploading = false;

  /** Batches are handed over all along, so that there is work to interrupt until the last kill. */
  const upload = async (served: Served, due: number): Promise<void> => {
    for (const batch of plan) {
      if (batch.id !== null || batch.index >= due) continue;
      uploading = true;
      try {
        batch.id = await create(served, batch, workMs);
      } catch (error) {
        // A process that was killed gives no answer; any answer but success would be a fault of its own.
        if (!killedAt.has(served.child.pid)) throw error;
        batch.unanswered += 1;
        return;
      } finally {
        uploading = false;
      }
    }
  };

  for (let kill = 0; kill < kills; kill++) {
    const child = serve();
    const end = (): Promise<unknown> => {
      killedAt.set(child.pid, Date.now());
      if (uploading) killsWhile.uploading += 1;
      return child.end("SIGKILL");
    };
    const kind = random();
    if (kind < 0.15) {
      await lapse(random() * 400);
      killedAt.set(child.pid, Date.now());
      killsWhile.starting += 1;
      await child.end("SIGKILL");
    } else {
      const served = await ready(child);
      const uploads = upload(served, Math.ceil(((kill + 1) / kills) * batches));
      const accepted = plan.filter(({ id }) => id !== null);
      const chosen = accepted[Math.floor(choice() * accepted.length)]?.id ?? null;
      const waitMs = kind < 0.45 && uploading ? random() * UPLOAD_MS : 200 + random() * 600;
      const reading = read(served, chosen);
      // A third of the kills strike while the upload that has just begun is on its way, some when results were read.
      if ((kind > 0.9 || kill === kills - 1) && chosen !== null) await reading.first;
      else await lapse(waitMs);
      // Where the machine was slower than that, what is not at work yet would be killed for nothing.
      if (!uploading) await atWork(served, calls);
      await end();
      await uploads;
      readFrom.set(child.pid, await reading.keys);
    }
    if ((kill + 1) % 10 === 0) say(`${kill + 1} kills, ${plan.filter((batch) => batch.id !== null).length} of ${batches} batches accepted`);
  }

  const last = await ready(serve());
  await upload(last, batches);
  const history = await last.client.history({ limit: 100 });
  for (const { id } of history.batches) await finished(last.client, id);
  const { code } = await last.child.end("SIGTERM");
  const faults: string[] = code === 0 ? [] : [`SIGTERM ended the last server with ${code}: ${last.child.output}`];

  const { stored, findings } = await recount(data);
  faults.push(...findings);
  for (const batch of plan) {
    const copies = stored.filter((one) => one.batch.name === nameOf(batch));
    const { keyed } = WAYS[batch.index % WAYS.length]!;
    if (!copies.some((copy) => copy.batch.id === batch.id))
      faults.push(`batch ${batch.index} was answered with ${batch.id}, which is not stored`);
    // Without a key, a try without an answer may have made a batch of its own; with one, never.
    if (copies.length > (keyed ? 1 : 1 + batch.unanswered))
      faults.push(
        `batch ${batch.index} exists ${copies.length} times after ${batch.unanswered} lost answers, ${keyed ? "with" : "without"} a key`,
      );
    for (const copy of copies) faults.push(...faultsOf(copy, batch.first, batch.count, true));
  }
  const made = callsIn(calls);
  const copied = new Set(stored.filter(({ batch }) => plan.every((one) => one.id !== batch.id)).map(({ batch }) => batch.name));
  const repeated = repeatedCalls(
    made,
    killedAt,
    readFrom,
    plan.filter((batch) => copied.has(nameOf(batch))),
  );
  killsWhile.running = repeated.kills;
  faults.push(...repeated.faults);
  return {
    faults,
    kills,
    killsWhile,
    batches: stored.length,
    items: stored.reduce((sum, { results }) => sum + results.length, 0),
    acknowledged: plan.filter((batch) => batch.id !== null).length,
    unanswered: plan.reduce((sum, batch) => sum + batch.unanswered, 0),
    calls: made.length,
    repeatedCalls: repeated.count,
    mostRepeatedByOneKill: repeated.most,
    readBeforeKills: repeated.read,
    oldestRepeatedMs: repeated.oldestMs,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

const nameOf = (batch: Planned): string => `campaign ${batch.index}`;

async function create(served: Served, batch: Planned, workMs: number): Promise<string> {
  const { stream, keyed } = WAYS[batch.index % WAYS.length]!;
  const request = { operation: "steady", name: nameOf(batch), options: { workMs, retryBackoffMs: 50 } };
  const list = numbered(batch.first, batch.count);
  async function* streamed(): AsyncGenerator<Record<string, unknown>> {
    for (const item of list) yield { ...item };
  }
  const extras = keyed ? { idempotencyKey: nameOf(batch).replace(" ", "-") } : {};
  const items = list.map((item) => ({ ...item }));
  return (await served.client.create(request, stream ? streamed() : items, extras)).id;
}

/** Resolves when the process has called a handler, or there is nothing that it could call one for. */
async function atWork(served: Served, calls: string): Promise<void> {
  const hasCalled = (): boolean => statSync(join(calls, `${served.child.pid}.calls`)).size > 0;
  const isOpen = async (): Promise<boolean> => (await served.client.active({ limit: 1 })).total > 0;
  while (!hasCalled() && (await isOpen()));
}

/** Keys of the results of a batch, as many as the server gives before it is killed; `first`: there are some. */
function read(served: Served, id: string | null): { first: Promise<void>; keys: Promise<ReadonlySet<string>> } {
  const first = Promise.withResolvers<void>();
  const killed = new AbortController();
  void served.child.ended.then(() => killed.abort());
  const pages = async (): Promise<ReadonlySet<string>> => {
    const keys = new Set<string>();
    if (id === null) return keys;
    try {
      for await (const { processed } of served.client.watch(id, { signal: killed.signal })) if (processed > 0) break;
      for await (const { nodeId } of served.client.results(id)) {
        keys.add(nodeId);
        first.resolve();
      }
    } catch {
      // It was killed: what it gave until then, it had.
    }
    return keys;
  };
  return { first: first.promise, keys: pages() };
}

/**
 * Calls of the same try that were made more than once. Each but the last must have been made by a process that was killed, and
 * none may be of an item whose result was read before: what is told is committed. Batches that exist twice are called twice.
 */
function repeatedCalls(
  calls: readonly Call[],
  killedAt: ReadonlyMap<number, number>,
  readFrom: ReadonlyMap<number, ReadonlySet<string>>,
  copied: readonly Planned[],
): { faults: string[]; count: number; kills: number; most: number; read: number; oldestMs: number } {
  const faults: string[] = [];
  const perProcess = new Map<number, number>();
  const last = new Map<string, Call>();
  // Processes in the order they were killed; the last one was not.
  const order = new Map([...killedAt.keys()].map((pid, index) => [pid, index]));
  const readIn = new Map<string, number>();
  for (const [pid, keys] of readFrom) for (const key of keys) if (!readIn.has(key)) readIn.set(key, order.get(pid)!);
  let count = 0;
  let oldestMs = 0;
  for (const call of calls) {
    const n = Number(call.key.slice(1));
    if (copied.some((batch) => n >= batch.first && n < batch.first + batch.count)) continue;
    const tried = `${call.key} ${call.attempt}`;
    if ((order.get(call.pid) ?? Infinity) > (readIn.get(call.key) ?? Infinity))
      faults.push(`${tried} was called although its result had been read before a kill`);
    const before = last.get(tried);
    last.set(tried, call);
    if (before === undefined) continue;
    count += 1;
    perProcess.set(before.pid, (perProcess.get(before.pid) ?? 0) + 1);
    const killed = killedAt.get(before.pid);
    if (killed === undefined || before.pid === call.pid) faults.push(`${tried} was called again although process ${before.pid} lived`);
    else oldestMs = Math.max(oldestMs, killed - before.at);
  }
  const most = Math.max(0, ...perProcess.values());
  return { faults: faults.slice(0, 20), count, kills: perProcess.size, most, read: readIn.size, oldestMs };
}
