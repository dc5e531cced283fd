import { afterEach, describe, expect, it } from "vitest";
import { dayOf } from "../../model/ledger.ts";
import type { WireBatch } from "../../api/contract/batch.ts";
import { createTestYard, VirtualClock, type TestYard } from "../../testing/index.ts";
import type { Usage } from "../../../test/support/openai-peer/answers.ts";
import type { CallFault } from "../../../test/support/openai-peer/faults.ts";
import { startPeer, type Peer, type PeerOptions } from "../../../test/support/openai-peer/peer.ts";
import { asking } from "../openai-batch/asking.fixture.ts";

let peer: Peer;
let yard: TestYard;
/** When each request reached the peer, by the yard's clock. */
let times: number[] = [];
/** How many were under way then, with it. */
let load: number[] = [];

interface Rig {
  peer?: PeerOptions;
  /** So many answers arrive without their end. */
  cut?: number;
  limits?: { requestsPerMinute?: number; tokensPerMinute?: number };
}

async function started(rig: Rig = {}): Promise<void> {
  times = [];
  load = [];
  let underWay = 0;
  let cuts = rig.cut ?? 0;
  peer = await startPeer({ clock: new VirtualClock(), ...rig.peer });
  yard = await createTestYard({
    operations: [asking],
    providers: { peer: { baseURL: peer.baseURL, apiKey: "k", models: ["gpt-*"], limits: rig.limits ?? {} } },
    fetch: async (url, init) => {
      times.push(yard.clock.now());
      load.push(++underWay);
      try {
        const answer = await fetch(url, init);
        const said = await answer.text();
        return new Response(cuts-- > 0 ? said.slice(0, 40) : said, { status: answer.status, headers: answer.headers });
      } finally {
        underWay -= 1;
      }
    },
    realMs: 2000,
  });
}
afterEach(async () => {
  await yard.close();
  await peer.close();
});

const items = (count: number): { id: string; text: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `i${i}`, text: `text ${i}` }));
const chat = (fault: Omit<Extract<CallFault, { fault: "answer" }>, "on" | "fault">): CallFault => ({
  on: "chat.completions",
  fault: "answer",
  ...fault,
});

async function run(count: number, options: Record<string, unknown> = {}): Promise<WireBatch> {
  const { id } = await yard.createBatch({ operation: "asking", items: items(count), options: { executor: "openai", ...options } });
  return yard.runToEnd(id);
}

/** The books hold what the peer executed, and nothing else. */
async function expectBalanced(): Promise<void> {
  const { billed } = await peer.record();
  const day = dayOf(yard.clock.now());
  const [group] = await yard.parts.store.ledger.sums({ tenant: "default", fromDay: day - 2, toDay: day, groupBy: "tenant", limit: 1 });
  const sum = (of: (usage: Usage) => number): number => billed.reduce((total, { usage }) => total + of(usage), 0);
  expect(group!.sums).toMatchObject({
    requests: billed.length,
    tokens: { input: sum(({ input }) => input), output: sum(({ output }) => output) },
  });
  expect((await yard.parts.store.upkeep.verify({ rebuild: false })).findings).toEqual([]);
}

/** Most requests in any minute. */
function busiestMinute(): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 60_000).length));
}

describe("executor openai", () => {
  it("asks for each item, settles it by its answer, and books what it cost", async () => {
    await started();
    const batch = await run(50);
    expect(batch).toMatchObject({ status: "completed", succeeded_items: 50 });
    expect((await Array.fromAsync(yard.results(batch.id))).find(({ nodeId }) => nodeId === "i7")!.result).toBe("text 7");
    await expectBalanced();
  });

  it("loses nothing to refusals that name no time; there are fewer at once, and more again later", async () => {
    await started({ peer: { faults: { calls: [chat({ status: 429, at: [1, 2, 3, 4, 5, 6, 9, 12, 15] })] } } });
    expect(await run(400)).toMatchObject({ status: "completed", succeeded_items: 400, retried_items: 0 });
    expect((await peer.record()).fired).toEqual({ "answer 429": 9 });
    const second = times.findIndex((at) => at > times[0]!);
    expect(Math.max(...load.slice(0, second))).toBeGreaterThanOrEqual(8);
    expect(Math.max(...load.slice(second, second + 4))).toBeLessThanOrEqual(4);
    expect(Math.max(...load.slice(-100))).toBeGreaterThanOrEqual(8);
    await expectBalanced();
  });

  it("waits as long as Retry-After says, and holds no slot meanwhile", async () => {
    await started({ peer: { faults: { calls: [chat({ status: 429, retryAfter: 40, times: 1 })] } } });
    const startedAt = yard.clock.now();
    const { id } = await yard.createBatch({ operation: "asking", items: items(1), options: { executor: "openai" } });
    await yard.advance(20_000);
    expect([times.length, yard.parts.engine.running]).toEqual([1, 0]);
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", retried_items: 0 });
    expect(times).toHaveLength(2);
    expect(times[1]! - startedAt).toBeGreaterThanOrEqual(40_000);
  });

  it("keeps the provider's requests a minute, over all batches together", async () => {
    await started({ limits: { requestsPerMinute: 60 } });
    const ids: string[] = [];
    for (let i = 0; i < 3; i++)
      ids.push((await yard.createBatch({ operation: "asking", items: items(50), options: { executor: "openai" } })).id);
    for (const id of ids) expect(await yard.runToEnd(id)).toMatchObject({ succeeded_items: 50 });
    expect(busiestMinute()).toBeLessThanOrEqual(60);
    expect(times.at(-1)! - times[0]!).toBeLessThan(155_000);
  });

  it.each([
    ["the provider's", { tokensPerMinute: 1000 }, {}],
    ["the batch's", {}, { rateLimit: { tokensPerMinute: 1000 } }],
  ])("keeps %s tokens a minute", async (_whose, limits, options) => {
    await started({ limits });
    expect(await run(100, options)).toMatchObject({ status: "completed", succeeded_items: 100 });
    const { billed } = await peer.record();
    const each = billed.map(({ usage }) => usage.input + usage.output);
    const spent = times.map((from) => times.reduce((sum, at, index) => (at >= from && at < from + 60_000 ? sum + each[index]! : sum), 0));
    expect(times).toHaveLength(100);
    expect(Math.max(...spent)).toBeLessThanOrEqual(1000);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan((60_000 * (each.reduce((a, b) => a + b) - 1000)) / 1000);
  });

  it("gives back the tokens of requests that the provider refused", async () => {
    await started({ limits: { tokensPerMinute: 1000 }, peer: { faults: { calls: [chat({ status: 400 })] } } });
    expect(await run(20)).toMatchObject({ failed_items: 20 });
    // Each was expected to take more than a quarter of a minute's amount.
    expect(times.at(-1)! - times[0]!).toBeLessThan(60_000);
  });

  it("an outage opens the breaker: what is open is put off and nothing fails, however long it lasts", async () => {
    await started({ peer: { faults: { calls: [chat({ status: 500, times: 24 })] } } });
    expect(await run(40, { retryAttempts: 2 })).toMatchObject({ status: "completed", succeeded_items: 40, failed_items: 0 });
    const { fired } = await peer.record();
    expect(fired).toEqual({ "answer 500": 24 });
    // Eight at once, and one more for each of the four before the fifth opens it; then one probe at a time, after 1 s, 2 s, 4 s …
    expect(times.filter((at) => at === times[0]).length).toBeLessThanOrEqual(12);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(60_000);
    await expectBalanced();
  });

  it("a provider that is gone is an outage", async () => {
    await started();
    await peer.down("refused");
    const { id } = await yard.createBatch({ operation: "asking", items: items(30), options: { executor: "openai", retryAttempts: 2 } });
    await yard.advance(600_000);
    expect(await yard.getBatch(id)).toMatchObject({ failed_items: 0 });
    await peer.up();
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 30 });
  });

  it.each([
    [400, "context_length_exceeded", "permanent"],
    [400, "content_policy_violation", "permanent"],
    [401, "invalid_api_key", "configuration"],
    [403, "unsupported_country", "configuration"],
    [404, "model_not_found", "permanent"],
    [422, "unprocessable", "permanent"],
  ])("a %i %s is for good", async (status, code) => {
    await started({ peer: { faults: { calls: [chat({ status, code, at: [1] })] } } });
    const batch = await run(3);
    expect(batch).toMatchObject({ failed_items: 1, succeeded_items: 2, retried_items: 0 });
    const failed = (await Array.fromAsync(yard.results(batch.id))).filter(({ success }) => !success);
    expect(failed).toMatchObject([{ errorCode: code, retries: 0 }]);
  });

  it.each([408, 409, 500, 503])("a %i is tried again", async (status) => {
    await started({ peer: { faults: { calls: [chat({ status, at: [1] })] } } });
    expect(await run(3)).toMatchObject({ succeeded_items: 3, retried_items: 1 });
  });

  it.each(["throw", "lose-reply"] as const)("an answer that does not come (%s) is asked for again", async (fault) => {
    await started({ peer: { faults: { calls: [{ on: "chat.completions", fault, at: [2] }] } } });
    expect(await run(4)).toMatchObject({ status: "completed", succeeded_items: 4, retried_items: 1 });
  });

  it("an answer that is cut off is no answer", async () => {
    await started({ cut: 2 });
    expect(await run(4)).toMatchObject({ status: "completed", succeeded_items: 4, retried_items: 2 });
  });

  it("gives up an answer that takes too long", async () => {
    await started({ peer: { faults: { calls: [{ on: "chat.completions", fault: "hold", at: [1] }] } } });
    expect(await run(3, { timeout: 5000, retryAttempts: 1 })).toMatchObject({ succeeded_items: 3, retried_items: 1 });
    await peer.release();
  });

  it("a cancel ends what is under way", async () => {
    await started({ peer: { faults: { calls: [{ on: "chat.completions", fault: "hold" }] } } });
    const { id } = await yard.createBatch({ operation: "asking", items: items(20), options: { executor: "openai" } });
    await peer.seen("chat.completions", 8);
    await yard.cancelBatch(id);
    expect(await yard.runToEnd(id)).toMatchObject({ status: "cancelled", succeeded_items: 0, failed_items: 0 });
    await yard.advance(1000);
    expect(yard.parts.endpoint.working).toBe(0);
    await peer.release();
    expect(times).toHaveLength(8);
  });

  it("sends nothing that the budget does not cover", async () => {
    await started();
    expect(await run(10, { budgetUsd: 0.0001 })).toMatchObject({ succeeded_items: 0, failed_items: 10 });
    expect(times).toEqual([]);
  });

  it("refuses a batch when nobody can be asked, and an item whose model nobody serves", async () => {
    await started();
    const batch = await yard.createBatch({
      operation: "asking",
      items: [{ id: "a", text: "x", model: "qwen" }],
      options: { executor: "openai" },
    });
    await yard.runToEnd(batch.id);
    expect(await Array.fromAsync(yard.results(batch.id))).toMatchObject([{ success: false, errorCode: "no_provider" }]);
  });
});
