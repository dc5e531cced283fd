import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asking } from "../../../src/executors/openai-batch/asking.fixture.ts";
import type { CrashPoint } from "../../../src/executors/openai-batch/desk.ts";
import { createTestYard, type TestYard } from "../../../src/testing/index.ts";
import type { FaultSchedule } from "../openai-peer/faults.ts";
import type { Peer } from "../openai-peer/peer.ts";

export const CRASH_POINTS = [
  "file_written",
  "prepared",
  "upload_answered",
  "uploaded",
  "create_sent",
  "create_answered",
  "accepted",
  "reconciled",
  "cancel_sent",
  "ended",
  "downloaded",
  "collected",
  "settled",
  "booked",
  "closed",
] as const satisfies readonly CrashPoint[];

/** exit: the process is gone; throw: the step breaks; lost reply: the answer of the create is lost, and then the process is gone. */
export const CRASHES = ["exit", "throw", "lost reply"] as const;
export type Crash = (typeof CRASHES)[number];

export const ITEMS = 8;
const START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
/** More lives than this mean that the yard does not get on. */
const MAX_LIVES = 20;

export interface CrashRun {
  peer: Peer;
  point: CrashPoint;
  crash: Crash;
  /** Which time the point is reached, from 1; from 2 on each item is an upstream batch of its own. */
  hit: number;
}

/** Schedules under which each point is reached: reconciling needs an unknown outcome, cancelling a batch that is cancelled. */
function faultsOf({ point, crash, hit }: CrashRun): FaultSchedule {
  const lost = crash === "lost reply" || point === "reconciled";
  return { calls: lost ? [{ on: "batches.create", fault: "lose-reply", times: hit }] : [] };
}

export interface CrashVerdict {
  faults: string[];
  /** The point was reached as often as it had to be. */
  crashed: boolean;
}

/** A batch whose process crashes at one point and is started again until the batch has ended and nothing is upstream any more. */
export async function runCrash(run: CrashRun): Promise<CrashVerdict> {
  const { peer, point, crash } = run;
  const before = await peer.record();
  await peer.faults(faultsOf(run));
  const data = mkdtempSync(join(tmpdir(), "batchyard-crash-"));
  const cancels = point === "cancel_sent";
  let hits = 0;
  let dead = false;
  const crashPoint = (name: CrashPoint): Promise<void> | void => {
    if (name !== point || ++hits !== run.hit) return;
    if (crash === "throw") throw new Error(`crash at ${name}`);
    dead = true;
    return new Promise(() => {});
  };
  let id: string | null = null;
  let lives = 0;
  let yard: TestYard;
  const open = (): Promise<TestYard> =>
    createTestYard({
      data,
      operations: [asking],
      providers: { peer: { baseURL: peer.baseURL, apiKey: "k", batch: true } },
      settings: { BATCHYARD_LEASE_MS: "5000" },
      startsAt: START + lives++ * HOUR_MS,
      realMs: 100,
      crashPoint,
    });
  try {
    yard = await open();
    const items = Array.from({ length: ITEMS }, (_, i) => ({ id: `i${i}`, text: `${run.point} ${run.crash} ${run.hit} ${i}` }));
    id = (
      await yard.createBatch({
        operation: "asking",
        items,
        options: { retryAttempts: 20, retryBackoffMs: 100, ...(run.hit > 1 ? { batchSize: 1 } : {}) },
      })
    ).id;
    if (cancels) {
      // With the answer lost, it comes upstream when the list is read.
      while (((await yard.parts.store.attempts.ofBatch("default", id, 1))[0]?.upstreamId ?? null) === null) await yard.advance(1_000);
      await yard.cancelBatch(id);
    }
    for (;;) {
      const { status } = await yard.getBatch(id);
      if (!dead && (status === "completed" || status === "cancelled") && (await yard.parts.keeper.nextDueAt()) === null) break;
      if (dead) {
        await yard.die();
        dead = false;
        if (lives > MAX_LIVES) return { faults: ["it never ends"], crashed: true };
        yard = await open();
      }
      await yard.advance(2_000);
    }
    const faults = await judge(peer, yard, id, before, cancels);
    await yard.close();
    return { faults, crashed: hits >= run.hit };
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

async function judge(
  peer: Peer,
  yard: TestYard,
  id: string,
  before: Awaited<ReturnType<Peer["record"]>>,
  cancels: boolean,
): Promise<string[]> {
  const faults: string[] = [];
  const check = (holds: boolean, sentence: string): void => void (holds || faults.push(sentence));
  const record = await peer.record();
  const made = record.batches.slice(before.batches.length);
  const billed = record.billed.slice(before.billed.length);
  const batch = await yard.getBatch(id);
  const attempts = await yard.parts.store.attempts.ofBatch("default", id, 100);
  const known = new Set(attempts.map((attempt) => attempt.upstreamId));
  for (const one of made) check(known.has(one.id), `the upstream batch ${one.id} (${one.status}) is orphaned`);
  for (const { id: own } of attempts) {
    const account = record.attempts[own];
    check((account?.mostLive ?? 0) <= 1, `${account?.mostLive} batches of the attempt ${own} lived at once`);
    check((account?.live ?? 0) === 0, `the attempt ${own} has a live batch`);
  }
  check(
    attempts.every((attempt) => attempt.state === "ingested"),
    "an attempt is not ingested",
  );
  const booked = await yard.parts.store.ledger.lines("default", id, { after: null, limit: 1000 });
  check(booked.length === billed.length, `${booked.length} requests are booked, ${billed.length} were billed`);
  if (cancels) return faults;
  const results = await Array.fromAsync(yard.results(id));
  check(
    batch.succeeded_items === ITEMS && new Set(results.map(({ nodeId }) => nodeId)).size === ITEMS,
    `${batch.succeeded_items} items succeeded`,
  );
  check(billed.length === ITEMS, `${billed.length} requests were paid for`);
  return faults;
}
