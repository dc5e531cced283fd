import { createTestYard, type TestYard, type TestYardOptions } from "../../../src/testing/index.ts";
import { asking } from "../../../src/executors/openai-batch/asking.fixture.ts";
import { systemClock, type Clock } from "../../../src/model/clock.ts";
import type { ProviderSettings } from "../../../src/providers/provider.ts";
import { LOSING, randomFaults, type FaultSchedule } from "../openai-peer/faults.ts";
import { startPeer, type Peer, type PeerOptions } from "../openai-peer/peer.ts";
import { seeded } from "../random.ts";

/** A yard on a virtual clock, and the provider it sends to. */
export interface Pair {
  peer: Peer;
  yard: TestYard;
  close(): Promise<void>;
}

export async function openPair({
  steps = "poll",
  prices,
  ...options
}: { steps?: PeerOptions["steps"]; prices?: ProviderSettings["prices"] } & Pick<
  TestYardOptions,
  "settings" | "crashPoint"
> = {}): Promise<Pair> {
  let yard: TestYard | null = null;
  // Stamps are those of the yard; what a fault holds up is held up in real time, which is all a socket knows.
  const clock: Clock = { ...systemClock, now: () => yard?.clock.now() ?? Date.UTC(2026, 0, 1) };
  const peer = await startPeer({ clock, steps });
  yard = await createTestYard({
    operations: [asking],
    providers: { peer: { baseURL: peer.baseURL, apiKey: "k", batch: true, ...(prices === undefined ? {} : { prices }) } },
    realMs: 2000,
    ...options,
  });
  const opened = yard;
  return {
    peer,
    yard,
    async close() {
      await opened.close();
      await peer.close();
    },
  };
}

/** Moves time on until nothing is upstream any more. */
async function untilIngested(yard: TestYard): Promise<void> {
  for (let looks = 0; (await yard.parts.keeper.nextDueAt()) !== null; looks++) {
    if (looks > 5000)
      throw new Error(
        `attempts are still open: ${JSON.stringify(await yard.parts.store.attempts.lease("local:embedded", { now: 8e15, leaseMs: 0, limit: 9 }))}`,
      );
    await yard.advance(60_000);
  }
}

export interface Verdict {
  seed: number;
  schedule: FaultSchedule;
  faults: string[];
  /** Upstream batches that were made. */
  upstream: number;
  fired: Record<string, number>;
}

/** Runs one batch against the faults of a seed, and says what is wrong with its end: nothing, or a sentence each. */
export async function runSchedule({ peer, yard }: Pair, seed: number): Promise<Verdict> {
  const random = seeded(seed * 7919 + 1);
  const losing = seed % 2 === 0;
  const schedule = randomFaults(seed, losing ? {} : { without: LOSING });
  const before = await peer.record();
  await peer.faults(schedule);
  const count = 5 + Math.floor(random() * 20);
  const items = Array.from({ length: count }, (_, i) => ({
    id: `i${i}`,
    text: `s${seed} text ${i}`,
    model: i % 7 === 6 ? "gpt-4o" : "gpt-4o-mini",
  }));
  const options = { retryAttempts: 20, retryBackoffMs: 100, ...(random() < 0.5 ? { batchSize: 1 + Math.floor(random() * count) } : {}) };
  const { id } = await yard.createBatch({ operation: "asking", items, options });
  const batch = await yard.runToEnd(id, { withinMs: 30 * 86_400_000 });
  await untilIngested(yard);
  await peer.faults({});
  await peer.up();
  const record = await peer.record();
  const made = record.batches.slice(before.batches.length);
  const billed = record.billed.slice(before.billed.length).filter((line) => line.batchId !== null);

  const faults: string[] = [];
  const check = (holds: boolean, sentence: string): void => void (holds || faults.push(sentence));
  check(
    batch.status === "completed" && batch.succeeded_items === count,
    `the batch is ${batch.status} with ${batch.succeeded_items} of ${count}`,
  );
  const results = await Array.fromAsync(yard.results(id));
  const keys = results.map((result) => result.nodeId);
  check(
    new Set(keys).size === keys.length && keys.length === count,
    `${keys.length} results of ${new Set(keys).size} items instead of ${count}`,
  );
  for (const { nodeId, result } of results)
    check(String(result).startsWith(`s${seed} text ${nodeId.slice(1)} [`), `${nodeId} has the result of another: ${String(result)}`);

  const attempts = await yard.parts.store.attempts.ofBatch("default", id, 1000);
  const strays = new Set(attempts.filter((attempt) => attempt.chunkId === null).map((attempt) => attempt.upstreamId));
  const known = new Set(attempts.map((attempt) => attempt.upstreamId));
  check(
    attempts.every((attempt) => attempt.state === "ingested"),
    "an attempt is not ingested",
  );
  for (const one of made) check(known.has(one.id), `the upstream batch ${one.id} (${one.status}) belongs to no attempt`);
  // What vanished can no longer be ended by anybody.
  for (const { id: own, state, errorCode } of attempts)
    check(errorCode === "vanished" || (record.attempts[own]?.live ?? 0) === 0, `the attempt ${own} (${state}) has a live batch`);
  if (!losing) {
    const used = new Map<string, number>();
    for (const line of billed) if (!strays.has(line.batchId)) used.set(line.text, (used.get(line.text) ?? 0) + 1);
    for (const [text, times] of used)
      check(times === 1, `'${text}' was done ${times} times upstream although its first answer was there to be had`);
    const booked = await yard.parts.store.ledger.lines("default", id, { after: null, limit: 10_000 });
    check(booked.length === billed.length, `${booked.length} requests are booked, ${billed.length} were billed`);
    const tokens = (lines: readonly { input: number; output: number }[]): number =>
      lines.reduce((sum, line) => sum + line.input + line.output, 0);
    const [ours, theirs] = [tokens(booked.map((line) => line.tokens)), tokens(billed.map((line) => line.usage))];
    check(ours === theirs, `${ours} tokens are booked, ${theirs} were billed`);
  }
  const fired = Object.fromEntries(Object.entries(record.fired).map(([name, times]) => [name, times - (before.fired[name] ?? 0)]));
  return { seed, schedule, faults, upstream: made.length, fired };
}
