import { writeFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import { fate, numbered, resultOf } from "./fates.ts";
import { lapse } from "./lapse.ts";
import { keptPort } from "./port.ts";
import { seeded } from "./random.ts";
import { finished, ready, starting, TOKEN, type Served } from "./served.ts";

export interface TwoYardsOptions {
  kills: number;
  items: number;
  /** Lines of one upstream batch. */
  batchSize: number;
  seed: number;
  /** Empty folder. */
  folder: string;
  /** Milliseconds that the model of the server works on an item. */
  workMs: number;
  say?: (line: string) => void;
}

export interface TwoYards {
  /** Everything that broke a promise; empty = all held. */
  faults: string[];
  killed: { client: number; server: number };
  /** Kills while the client's batch was open. */
  killedMeanwhile: number;
  /** Upstream batches that were made. */
  upstream: number;
  /** Lines that the server answered, and those of batches that were cancelled again. */
  answered: number;
  seconds: number;
}

const CONFIG = join(import.meta.dirname, "programs", "two-yards.config.ts");
/** What a process has time for between two kills. */
const LIFE_MS = { least: 300, most: 2300 };

/**
 * One Batchyard as the client of another: a batch goes through `openai-batch` to the /v1 of the second one, whose model is a
 * handler. Either is killed at seeded instants and started again at once; in the end every key has its result, once.
 */
export async function twoYards(options: TwoYardsOptions): Promise<TwoYards> {
  const { kills, items, batchSize, seed, folder, workMs, say = () => {} } = options;
  const startedAt = performance.now();
  const random = seeded(seed);
  const port = await keptPort();
  const upstream = `http://127.0.0.1:${port}/v1`;
  const soon = { BATCH_STATUS_CHECK_INTERVAL: "* * * * * *", BATCH_RESULT_PROCESSING_INTERVAL: "* * * * * *" };
  const gate = join(folder, "gate");
  const model = {
    WORK_MS: String(workMs),
    GATE: gate,
    GATED_ITEM: String(items - 1),
    // The item that waits for the last kill is not too slow.
    BATCH_TIMEOUT_MS: "3600000",
    LOG_LEVEL: "error",
  };
  const start = {
    server: () => ready(starting(join(folder, "server"), { config: CONFIG, port, env: model })),
    client: () => ready(starting(join(folder, "client"), { config: CONFIG, env: { ...soon, UPSTREAM: upstream, LOG_LEVEL: "error" } })),
  };
  const yards = { server: await start.server(), client: await start.client() };
  const list = numbered(0, items).map((item) => ({ ...item }));
  const { id } = await yards.client.client.create({ operation: "ask_the_other", options: { batchSize, retryBackoffMs: 50 } }, list);

  const killed = { client: 0, server: 0 };
  let killedMeanwhile = 0;
  for (let kill = 0; kill < kills; kill++) {
    await lapse(LIFE_MS.least + random() * (LIFE_MS.most - LIFE_MS.least));
    const { status, processed_items } = await yards.client.client.get(id);
    if (status === "running" || status === "pending") killedMeanwhile += 1;
    const which = random() < 0.5 ? "client" : "server";
    killed[which] += 1;
    say(`kill ${kill + 1}: the ${which}, ${processed_items} of ${items} done`);
    await yards[which].child.end("SIGKILL");
    yards[which] = await start[which]();
  }
  writeFileSync(gate, "");
  await finished(yards.client.client, id);
  const faults = await faultsOfClient(yards.client, id, items);
  const { upstreamBatches, answered, faults: more } = await faultsOfServer(upstream, items);
  faults.push(...more);
  for (const which of ["client", "server"] as const) {
    const { code } = await yards[which].child.end("SIGTERM");
    if (code !== 0) faults.push(`SIGTERM ended the ${which} with ${code}: ${yards[which].child.output}`);
  }
  return { faults, killed, killedMeanwhile, upstream: upstreamBatches, answered, seconds: (performance.now() - startedAt) / 1000 };
}

async function faultsOfClient({ client, send }: Served, id: string, items: number): Promise<string[]> {
  const faults: string[] = [];
  const batch = await client.get(id);
  const failing = numbered(0, items).filter(({ n }) => fate(n) === "permanent").length;
  if (batch.status !== "completed" || batch.succeeded_items !== items - failing || batch.failed_items !== failing)
    faults.push(`the batch is ${batch.status} with ${batch.succeeded_items} + ${batch.failed_items} of ${items}`);
  const seen = new Set<string>();
  for await (const { nodeId, success, result, errorCode } of client.results(id)) {
    if (seen.has(nodeId)) faults.push(`${nodeId} has two results`);
    seen.add(nodeId);
    const n = Number(nodeId.slice(1));
    const permanent = fate(n) === "permanent";
    const expected = permanent ? "never" : JSON.stringify(resultOf({ id: nodeId, n }));
    const found = success ? JSON.stringify(result) : errorCode;
    if (success === permanent || found !== expected) faults.push(`${nodeId} is ${found}, not ${expected}`);
  }
  if (seen.size !== items) faults.push(`${seen.size} of ${items} keys have a result`);
  const reconciled = (await (await send(`/api/batch/${id}/reconcile`)).json()) as { reconciliation: { ok: boolean } };
  if (!reconciled.reconciliation.ok) faults.push(`the reconciliation says ${JSON.stringify(reconciled)}`);
  return faults.slice(0, 20);
}

/** What the server did: one batch an attempt, and no line of a finished batch done for nothing. */
async function faultsOfServer(baseURL: string, items: number): Promise<{ upstreamBatches: number; answered: number; faults: string[] }> {
  const faults: string[] = [];
  const client = new OpenAI({ baseURL, apiKey: TOKEN });
  const batches = await Array.fromAsync(client.batches.list({ limit: 100 }));
  const attempts = new Set<string>();
  let answered = 0;
  for (const { id, status, metadata, request_counts } of batches) {
    const attempt = metadata?.["attempt"] ?? "";
    if (status !== "completed") faults.push(`the upstream batch ${id} is ${status}`);
    if (attempts.has(attempt)) faults.push(`the attempt ${attempt} has two upstream batches`);
    attempts.add(attempt);
    answered += request_counts!.completed + request_counts!.failed;
  }
  if (answered !== items) faults.push(`the server answered ${answered} lines for ${items} items`);
  return { upstreamBatches: batches.length, answered, faults };
}
