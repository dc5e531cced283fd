import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TokenBudget } from "./token-budget.ts";
import type { AttemptRow } from "../../store/attempts.ts";
import { openPair, type Pair } from "../../../test/support/campaigns/upstream-campaign.ts";

let pair: Pair;
beforeEach(async () => {
  pair = await openPair();
});
afterEach(() => pair.close());

const items = (count: number, model?: string): { id: string; text: string; model?: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `i${i}`, text: `text ${i}`, ...(model === undefined ? {} : { model }) }));

const attemptsOf = (id: string) => pair.yard.parts.store.attempts.ofBatch("default", id, 100);

/** Until nothing is upstream. */
async function toRest(): Promise<void> {
  while ((await pair.yard.parts.keeper.nextDueAt()) !== null) await pair.yard.advance(10_000);
}

describe("executor openai-batch", () => {
  it("sends a chunk as one upstream batch and settles each item by its own line", async () => {
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(25) });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 25 });
    const results = await Array.fromAsync(pair.yard.results(id));
    expect(results.find(({ nodeId }) => nodeId === "i7")!.result).toMatch(/^text 7 \[\w+-7\]$/);
    await toRest();
    const { batches, attempts } = await pair.peer.record();
    expect(Object.values(attempts)).toEqual([{ created: 1, live: 0, mostLive: 1 }]);
    const [attempt] = await attemptsOf(id);
    expect(batches).toMatchObject([{ metadata: { app: "batchyard", batch: id, attempt: attempt!.id, sha256: attempt!.sha256 } }]);
    expect(attempt).toMatchObject({
      state: "ingested",
      lines: 25,
      report: { lines: 25, succeeded: 25, failed: 0, missing: 0, duplicates: 0, unknown: 0, unreadable: 0 },
    });
  });

  it("makes one file a model", async () => {
    const { id } = await pair.yard.createBatch({
      operation: "asking",
      items: [...items(3, "gpt-4o"), { id: "x", text: "x", model: "gpt-5" }],
    });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ succeeded_items: 4 });
    expect((await attemptsOf(id)).map(({ model, lines }) => `${model} ${lines}`).toSorted()).toEqual(["gpt-4o 3", "gpt-5 1"]);
  });

  it("refuses what the provider would refuse before anything is sent, naming the items", async () => {
    const refused = pair.yard.createBatch({
      operation: "asking",
      items: [...items(2), { id: "bad", text: "x", model: "" }],
    });
    await expect(refused).rejects.toMatchObject({
      code: "bad_items",
      errors: [{ path: "item 3", message: "bad: body.model is required", code: "missing_required_parameter" }],
    });
    expect((await pair.peer.record()).batches).toEqual([]);
  });

  it("a dry run tells faults, upstream batches, tokens and cost, and sends nothing", async () => {
    const { batches } = pair.yard.parts;
    const caller = { tenant: "default", actor: "test", role: "operator", credential: null, address: null } as const;
    async function* source(given: readonly { id: string; text: string }[]): AsyncGenerator<{ key: string; text: string }[]> {
      yield given.map((item) => ({ key: item.id, text: JSON.stringify(item) }));
    }
    const answer = await batches.dryRun(caller, { operation: "asking" }, source([...items(3, "gpt-4o"), { id: "x", text: "x" }]));
    expect(answer).toMatchObject({ items: 4, chunks: 1, upstream: { batches: 2 } });
    expect(answer.upstream!.promptTokens).toBeGreaterThan(20);
    // The provider of this test is in no price list.
    expect(answer.upstream!.estimatedUsd).toBeNull();
    await expect(batches.dryRun(caller, { operation: "asking" }, source(items(2, "")))).rejects.toMatchObject({
      errors: [{ path: "item 1" }, { path: "item 2" }],
    });
    expect((await pair.peer.record()).calls).toEqual({});
  });

  it("sends nothing whose price its budget cannot cover", async () => {
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(2), options: { budgetUsd: 1 } });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ failed_items: 2 });
    expect((await Array.fromAsync(pair.yard.results(id)))[0]).toMatchObject({ errorCode: "budget_exceeded" });
    expect((await pair.peer.record()).calls).toEqual({});
  });

  it("says where its work is upstream, and what came back of it", async () => {
    await pair.peer.faults({ batches: [{ fault: "invent-ids", lines: 2, times: 1 }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(5) });
    await upstream(id);
    const [attempt] = await attemptsOf(id);
    const { reasons } = await pair.yard.why(id);
    expect(reasons).toMatchObject([
      { code: "waiting_for_provider", requests: 5, provider: "peer", upstreamBatch: attempt!.upstreamId, chunks: 1 },
    ]);
    expect(reasons[0]!.nextPollAt).toBe(attempt!.dueAt);
    const caller = { tenant: "default", actor: "test", role: "viewer", credential: null, address: null } as const;
    expect((await pair.yard.parts.batches.reconcile(caller, id)).upstream).toMatchObject({ attempts: 0, open: 1 });
    await pair.yard.runToEnd(id);
    await toRest();
    expect(await pair.yard.parts.batches.reconcile(caller, id)).toMatchObject({
      ok: true,
      upstream: { attempts: 1, open: 0, strays: 0, lines: 5, succeeded: 5, missing: 0, duplicates: 0, unknown: 2 },
    });
  });

  it("a budget keeps room for what is upstream: what does not fit beside it waits for what that really costs", async () => {
    await pair.close();
    // A request that does not limit its answer is taken for 1000 tokens: half a dollar in a batch.
    pair = await openPair({ prices: { "gpt-4o-mini": { input: 0, output: 1000 } } });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(3), options: { budgetUsd: 0.8, batchSize: 1 } });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ succeeded_items: 3 });
    const [first, second, third, ...others] = await attemptsOf(id);
    expect(others).toEqual([]);
    expect(second!.createdAt).toBeGreaterThanOrEqual(first!.collectedAt!);
    expect(third!.createdAt).toBeGreaterThanOrEqual(second!.collectedAt!);
    const poor = await pair.yard.createBatch({ operation: "asking", items: items(3), options: { budgetUsd: 0.4, batchSize: 1 } });
    expect(await pair.yard.runToEnd(poor.id)).toMatchObject({ failed_items: 3 });
    expect(await attemptsOf(poor.id)).toEqual([]);
  });

  it("a budget that is spent drops nothing that is upstream: it is paid for", async () => {
    await pair.close();
    pair = await openPair({ steps: "manual", prices: { "gpt-4o-mini": { input: 0, output: 1000 } } });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(3), options: { budgetUsd: 1.2, batchSize: 1 } });
    const made = async (): Promise<AttemptRow[]> => (await attemptsOf(id)).filter(({ upstreamId }) => upstreamId !== null);
    while ((await made()).length < 2) await pair.yard.advance(1_000);
    // As a second upstream batch would, found by accident.
    await pair.yard.parts.store.ledger.book([
      {
        tenant: "default",
        batchId: id,
        operation: "asking",
        attempt: "att_other",
        customId: "i0",
        provider: "peer",
        model: "gpt-4o-mini",
        tier: "batch",
        tokens: { input: 1, cachedInput: 0, cacheWrite: 0, audioInput: 0, output: 1, reasoning: 0, audioOutput: 0 },
        price: { standard: 2_400_000_000, paid: 1_200_000_000, factor: "0.5", version: "test" },
        at: pair.yard.clock.now(),
        counted: false,
      },
    ]);
    await pair.yard.advance(60_000);
    expect(await pair.yard.getBatch(id)).toMatchObject({ status: "running", succeeded_items: 0, failed_items: 1 });
    await pair.peer.advance(20);
    expect(await pair.yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 2, failed_items: 1 });
    expect((await pair.peer.record()).billed).toHaveLength(2);
  });

  it("a pause stops sending, not collecting", async () => {
    const first = await pair.yard.createBatch({ operation: "asking", items: items(2) });
    await upstream(first.id);
    const second = await pair.yard.createBatch({ operation: "asking", items: items(2) });
    await pair.yard.pauseBatch(first.id);
    await pair.yard.pauseBatch(second.id);
    while ((await attemptsOf(first.id))[0]!.collectedAt === null) await pair.yard.advance(10_000);
    expect((await pair.peer.record()).batches).toHaveLength(1);
    expect(await pair.yard.getBatch(first.id)).toMatchObject({ status: "paused", succeeded_items: 0 });
    await pair.yard.resumeBatch(first.id);
    await pair.yard.resumeBatch(second.id);
    expect(await pair.yard.runToEnd(first.id)).toMatchObject({ succeeded_items: 2 });
    expect(await pair.yard.runToEnd(second.id)).toMatchObject({ succeeded_items: 2 });
  });

  it("while it is switched off sends nothing, and collects what is upstream", async () => {
    const first = await pair.yard.createBatch({ operation: "asking", items: items(2) });
    await upstream(first.id);
    await pair.yard.parts.settings.change({ processing: { enabled: false } });
    const second = await pair.yard.createBatch({ operation: "asking", items: items(2) });
    expect(await pair.yard.runToEnd(first.id)).toMatchObject({ succeeded_items: 2 });
    await pair.yard.advance(600_000);
    expect((await pair.peer.record()).batches).toHaveLength(1);
    await pair.yard.parts.settings.change({ processing: { enabled: true } });
    expect(await pair.yard.runToEnd(second.id)).toMatchObject({ succeeded_items: 2 });
  });

  it("cancels upstream, collects and pays for what was done", async () => {
    await pair.peer.faults({ batches: [{ fault: "cancel-slow", steps: 3 }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(10) });
    await upstream(id);
    await pair.yard.advance(30_000);
    await pair.yard.cancelBatch(id);
    await toRest();
    const { billed, batches } = await pair.peer.record();
    expect(batches).toMatchObject([{ status: "cancelled" }]);
    expect(billed.length).toBeGreaterThan(0);
    expect(await pair.yard.parts.store.ledger.lines("default", id, { after: null, limit: 100 })).toHaveLength(billed.length);
    expect((await pair.yard.getBatch(id)).status).toBe("cancelled");
  });

  it("keeps what an expired batch finished, and sends the rest again", async () => {
    await pair.peer.faults({ batches: [{ fault: "expire", share: 0.5, times: 1 }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(10) });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 10 });
    await toRest();
    expect((await pair.peer.record()).billed).toHaveLength(10);
    expect((await attemptsOf(id)).map(({ lines, report }) => [lines, report?.succeeded])).toEqual([
      [10, 5],
      [5, 5],
    ]);
  });

  it("ends a batch upstream that takes longer than BATCH_TIMEOUT_HOURS, keeps what it did, and sends the rest again", async () => {
    await pair.close();
    pair = await openPair({ steps: "manual", settings: { BATCH_TIMEOUT_HOURS: "1" } });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(4) });
    await upstream(id);
    await pair.peer.advance(2);
    await pair.yard.advance(3_700_000);
    expect((await pair.peer.record()).batches).toMatchObject([{ status: "cancelling" }]);
    while ((await pair.yard.getBatch(id)).status !== "completed") {
      await pair.peer.advance();
      await pair.yard.advance(60_000);
    }
    await toRest();
    expect((await attemptsOf(id)).map(({ lines, report, errorCode }) => [lines, report?.succeeded, errorCode])).toEqual([
      [4, 2, null],
      [2, 2, null],
    ]);
    expect((await pair.peer.record()).billed).toHaveLength(4);
  });

  it("fails for good what will never go better, and tries again what may", async () => {
    await pair.peer.faults({ batches: [{ fault: "fail-lines", share: 1, status: 400, code: "context_length_exceeded", times: 1 }] });
    const lost = await pair.yard.createBatch({ operation: "asking", items: items(2) });
    expect(await pair.yard.runToEnd(lost.id)).toMatchObject({ status: "failed", failed_items: 2 });
    const [result] = await Array.fromAsync(pair.yard.results(lost.id));
    expect(result).toMatchObject({ success: false, errorCode: "context_length_exceeded", retries: 0 });
    await pair.peer.faults({ batches: [{ fault: "fail-lines", share: 1, status: 503, times: 1 }] });
    const again = await pair.yard.createBatch({ operation: "asking", items: items(2) });
    expect(await pair.yard.runToEnd(again.id)).toMatchObject({ succeeded_items: 2 });
  });

  it("puts off a file for which there is no room, at the cost of no attempt", async () => {
    const message =
      "Enqueued token limit reached for gpt-4o-mini in organization org-x. Limit: 40 enqueued tokens. Please try again later.";
    await pair.peer.faults({ batches: [{ fault: "fail", code: "token_limit_exceeded", message, times: 1 }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(9), options: { retryAttempts: 0 } });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ succeeded_items: 9 });
    await toRest();
    const [first, ...others] = await attemptsOf(id);
    expect(first).toMatchObject({ lines: 9, errorCode: "token_limit_exceeded", report: { succeeded: 0 } });
    expect(others.length).toBeGreaterThan(1);
    expect(others.every((attempt) => attempt.tokens <= 40)).toBe(true);
    // The next process knows the limit before it sends anything.
    const { store, providers } = pair.yard.parts;
    const budget = new TokenBudget();
    budget.remember(await store.attempts.refusals());
    expect(budget.of(providers.get("peer")!, "gpt-4o-mini")).toBe(40);
  });

  it("waits for a file that cannot be found yet", async () => {
    await pair.peer.faults({ files: [{ fault: "file-late", tries: 2 }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(2), options: { retryAttempts: 0 } });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ succeeded_items: 2 });
    expect(await attemptsOf(id)).toHaveLength(1);
  });

  it("fails items with what the provider said when it refuses a file for its lines", async () => {
    await pair.peer.faults({ batches: [{ fault: "fail", code: "invalid_request", message: "This model is not for you.", times: 1 }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(2) });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ failed_items: 2 });
    expect((await Array.fromAsync(pair.yard.results(id)))[0]).toMatchObject({
      errorCode: "invalid_request",
      error: "This model is not for you.",
    });
  });

  it("finds a second upstream batch of one attempt, ends it, pays for it and raises an alarm", async () => {
    // The reply is lost, and the batch is in no list for as long as anybody looks.
    await pair.peer.faults({
      calls: [{ on: "batches.create", fault: "lose-reply", at: [1] }],
      batches: [{ fault: "list-late", lists: 4, times: 1 }],
    });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(3) });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ succeeded_items: 3 });
    await toRest();
    const { attempts, batches, billed } = await pair.peer.record();
    expect(Object.values(attempts)).toEqual([{ created: 2, live: 0, mostLive: 2 }]);
    expect((await attemptsOf(id)).filter(({ chunkId }) => chunkId === null)).toHaveLength(1);
    expect(await pair.yard.parts.store.ledger.lines("default", id, { after: null, limit: 100 })).toHaveLength(billed.length);
    const events = (await pair.yard.parts.store.events.read(0, 1000)).filter(({ type }) => type === "upstream.doubled");
    expect(events).toMatchObject([{ severity: "critical", data: { batch_id: id } }]);
    expect(batches.map((batch) => batch.status)).toContain("completed");
  });

  it("a chunk that is put off is woken again, also by a process that died as it closed the attempt", async () => {
    let dies = true;
    await pair.close();
    pair = await openPair({
      crashPoint: (name) => {
        if (name !== "closed" || !dies) return;
        dies = false;
        throw new Error("The process died");
      },
    });
    await pair.peer.faults({ batches: [{ fault: "fail", code: "token_limit_exceeded", message: "Try again later.", times: 1 }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(2), options: { retryAttempts: 0 } });
    expect(await pair.yard.runToEnd(id, { withinMs: 3_600_000 })).toMatchObject({ succeeded_items: 2 });
    expect(dies).toBe(false);
  });

  it("finds a second upstream batch by its file when the provider keeps no metadata", async () => {
    await pair.peer.faults({
      calls: [{ on: "batches.create", fault: "lose-reply", at: [1] }],
      batches: [{ fault: "forget-metadata" }, { fault: "list-late", lists: 4, times: 1 }],
    });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(3) });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ succeeded_items: 3 });
    await toRest();
    const { attempts, billed } = await pair.peer.record();
    expect(Object.values(attempts)).toEqual([{ created: 2, live: 0, mostLive: 2 }]);
    expect(await pair.yard.parts.store.ledger.lines("default", id, { after: null, limit: 100 })).toHaveLength(billed.length);
    expect((await pair.yard.parts.store.events.read(0, 1000)).filter(({ type }) => type === "upstream.doubled")).toHaveLength(1);
  });

  it("fetches the files of a batch that the provider forgot after it had ended", async () => {
    // Forgotten with the poll that shows its end.
    await pair.peer.faults({ batches: [{ fault: "forgotten-at-end" }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(3) });
    expect(await pair.yard.runToEnd(id, { withinMs: 7_200_000 })).toMatchObject({ succeeded_items: 3 });
    const [attempt, ...others] = await attemptsOf(id);
    expect(others).toEqual([]);
    expect(attempt!.upstreamStatus).toBe("completed");
    expect((await pair.peer.record()).billed).toHaveLength(3);
  });

  it("looks at what takes long, and fetches what has ended, when their schedules say so", async () => {
    await pair.close();
    const settings = { BATCH_STATUS_CHECK_INTERVAL: "*/5 * * * *", BATCH_RESULT_PROCESSING_INTERVAL: "*/20 * * * *" };
    pair = await openPair({ steps: "manual", settings });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(3) });
    const attempt = async (): Promise<AttemptRow> => (await attemptsOf(id))[0]!;
    await upstream(id);
    while ((await attempt()).polls < 6) await pair.yard.advance(5_000);
    const look = (await attempt()).dueAt!;
    expect(look - pair.yard.clock.now()).toBeGreaterThan(60_000);
    expect(look % 300_000).toBeLessThanOrEqual(1_000);
    await pair.peer.advance(10);
    while ((await attempt()).state !== "completed") await pair.yard.advance(5_000);
    const fetch = (await attempt()).dueAt!;
    expect(fetch % 1_200_000).toBe(0);
    expect(await pair.yard.runToEnd(id, { withinMs: 7_200_000 })).toMatchObject({ succeeded_items: 3 });
    expect((await attempt()).collectedAt).toBeGreaterThanOrEqual(fetch);
  });

  it("does not take a short download for the whole file because the provider was away before", async () => {
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(8), options: { retryAttempts: 0 } });
    while ((await attemptsOf(id))[0]?.state !== "completed") await pair.yard.advance(1_000);
    await pair.peer.faults({
      calls: [
        { on: "batches.retrieve", fault: "answer", status: 503, times: 7 },
        { on: "files.content", fault: "cut", share: 0.5, how: "short", times: 1 },
      ],
    });
    expect(await pair.yard.runToEnd(id)).toMatchObject({ succeeded_items: 8 });
    const { billed, fired } = await pair.peer.record();
    expect(billed).toHaveLength(8);
    expect(fired).toMatchObject({ "answer 503": 7, cut: 1 });
  });

  it("ends a request that alone has more tokens than the provider takes at once", async () => {
    const message = "Enqueued token limit reached for gpt-4o-mini in organization org-x. Limit: 40 enqueued tokens.";
    await pair.peer.faults({ batches: [{ fault: "fail", code: "token_limit_exceeded", message }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: [{ id: "long", text: "many different words ".repeat(40) }] });
    expect(await pair.yard.runToEnd(id, { withinMs: 3_600_000 })).toMatchObject({ failed_items: 1 });
    expect((await Array.fromAsync(pair.yard.results(id)))[0]).toMatchObject({ errorCode: "token_limit_exceeded", retries: 0 });
  });
});

/** Until the attempt of the batch is upstream. */
async function upstream(id: string): Promise<void> {
  while (((await attemptsOf(id))[0]?.upstreamId ?? null) === null) await pair.yard.advance(1_000);
}
