import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BatchRow } from "../../src/model/batch.ts";
import type { ItemResult } from "../../src/model/item.ts";
import type { Caller } from "../../src/batches/service.ts";
import { loadConfig } from "../../src/config.ts";
import { createYard } from "../../src/main.ts";
import { fate, numbered, resultOf } from "./fates.ts";
import config from "./programs/misbehaving.config.ts";

const CALLER: Caller = { tenant: "default", actor: "test", role: "admin", credential: null, address: null };

export interface Stored {
  batch: BatchRow;
  results: ItemResult[];
}

/** Everything a data directory holds, read after its server has ended; what a recount of every counter found; deaths counted on chunks. */
export async function recount(data: string): Promise<{ stored: Stored[]; findings: string[]; crashes: number }> {
  const yard = await createYard({
    config: loadConfig({ BATCHYARD_DATA: data, BATCHYARD_WORKERS: "0", LOG_LEVEL: "error" }),
    operations: config.operations,
  });
  try {
    const { findings } = await yard.store.upkeep.verify({ rebuild: false });
    const said = findings.map((finding) => `${finding.batchId ?? "store"}: ${finding.message}`);
    const stored: Stored[] = [];
    let crashes = 0;
    for (let cursor: string | undefined; ;) {
      const page = await yard.batches.history(CALLER, { limit: 100, cursor });
      for (const batch of page.batches) {
        const results: ItemResult[] = [];
        for await (const lines of yard.batches.streamResults(CALLER, batch.id, {}))
          for (const line of lines) results.push(JSON.parse(line) as ItemResult);
        const reconciled = await yard.batches.reconcile(CALLER, batch.id);
        if (!reconciled.ok) said.push(`${batch.id}: reconcile found ${JSON.stringify(reconciled.counts)}`);
        for (const chunk of await yard.batches.chunks(CALLER, batch.id, { after: 0, limit: 10_000 })) crashes += chunk.crashes;
        stored.push({ batch, results });
      }
      if (page.nextCursor === null) return { stored, findings: said, crashes };
      cursor = page.nextCursor;
    }
  } finally {
    await yard.stop();
  }
}

/** What is wrong with the results of a final batch of numbered items under `steady` (or an operation without fates). */
export function faultsOf({ batch, results }: Stored, first: number, count: number, fates: boolean): string[] {
  const faults: string[] = [];
  const say = (fault: string): number => faults.push(`${batch.id}: ${fault}`);
  const expected = new Map(numbered(first, count).map((item) => [item.id, item]));
  const seen = new Set<string>();
  let failed = 0;
  for (const result of results) {
    const item = expected.get(result.nodeId);
    if (item === undefined) say(`${result.nodeId} is not one of its items`);
    else if (seen.has(item.id)) say(`${item.id} has more than one result`);
    else {
      seen.add(item.id);
      const kind = fates ? fate(item.n) : "plain";
      if (result.success !== (kind !== "permanent")) say(`${item.id} ended with ${result.errorCode ?? "success"}, expected ${kind}`);
      if (result.success && JSON.stringify(result.result) !== JSON.stringify(resultOf(item)))
        say(`${item.id} has the result ${JSON.stringify(result.result)}`);
      if (result.retries !== (kind === "transient" ? 1 : 0)) say(`${item.id} took ${result.retries} retries, expected as ${kind}`);
      if (!result.success) failed += 1;
    }
  }
  if (seen.size !== count) say(`${count - seen.size} of its ${count} items have no result`);
  if (batch.status !== "completed") say(`it is ${batch.status}`);
  const counters = {
    totalItems: count,
    succeeded: count - failed,
    failed,
    cancelled: 0,
    expired: 0,
    running: 0,
    leasedChunks: 0,
    openChunks: 0,
  };
  for (const [name, value] of Object.entries(counters)) {
    const kept = batch[name as keyof typeof counters];
    if (kept !== value) say(`${name} is ${kept}, counted ${value}`);
  }
  return faults;
}

export interface Call {
  pid: number;
  /** Unix milliseconds. */
  at: number;
  key: string;
  attempt: number;
}

/** Every handler call of every process, as the misbehaving operations wrote them into `folder`. */
export function callsIn(folder: string): Call[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".calls"))
    .flatMap((file) => {
      const pid = Number.parseInt(file, 10);
      const lines = readFileSync(join(folder, file), "utf8")
        .split("\n")
        .filter((line) => line !== "");
      return lines.map((line) => {
        const [at, key, attempt] = line.split(" ");
        return { pid, at: Number(at), key: key!, attempt: Number(attempt) };
      });
    })
    .sort((a, b) => a.at - b.at);
}
