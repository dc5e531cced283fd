import { defineOperation } from "batchyard";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadConfig } from "../../config.ts";
import { Batchyard } from "../../library/batchyard.ts";
import { createYard } from "../../main.ts";
import { StepClock } from "../../model/step-clock.fixture.ts";
import runGroup from "./thread-call.ts";

const THREADS = Math.min(2, availableParallelism());
/** Longer than anything here takes: it is over when the test says so. */
const LIMIT_MS = 70_000;
/** A group has a little longer than an item. */
const REACHED_MS = LIMIT_MS + 500;

let yard: Batchyard;
let parts: Awaited<ReturnType<typeof createYard>>;
let clock: StepClock;
let data: string;
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "batchyard-threads-"));
  const work = defineOperation({ name: "work", thread: new URL("./thread-work.fixture.ts", import.meta.url) });
  clock = new StepClock();
  const config = loadConfig({ LOG_LEVEL: "silent", BATCHYARD_DATA: data, BATCHYARD_WORKERS: "2" });
  parts = await createYard({ config, operations: [work], clock });
  await parts.start();
  yard = new Batchyard(parts, "default");
});
afterEach(async () => {
  await yard.close();
  rmSync(data, { recursive: true, force: true });
});

const linesOf = (file: string): string[] => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);

async function run(items: object[], options: Record<string, unknown>, meanwhile?: () => Promise<void>) {
  const { id } = await yard.createBatch({ operation: "work", items, options: { timeout: LIMIT_MS, ...options } });
  await meanwhile?.();
  const batch = await yard.waitForBatch(id);
  return { batch, results: Object.fromEntries((await Array.fromAsync(yard.results(id))).map((result) => [result.nodeId, result])) };
}

describe("threads", () => {
  it("hands on what is said in a thread", async () => {
    const told: unknown[] = [];
    parts.engine.onItemProgress((...progress) => told.push(progress));
    const said: unknown[] = [];
    vi.spyOn(parts.log, "child").mockImplementation((fields) => {
      return { error: (...entry: unknown[]) => void said.push([fields, ...entry]) } as unknown as ReturnType<typeof parts.log.child>;
    });
    const { id } = await yard.createBatch({ operation: "work", items: [{ id: "a", does: "speak" }], options: { timeout: LIMIT_MS } });
    for await (const update of yard.watch(id)) void update;
    expect(told).toEqual([[id, "default", "a", 0.5]]);
    expect(said).toEqual([[{ operation: "work", batch: id, item: "a", attempt: 0 }, { left: 3 }, "nearly"]]);
  });

  it("run items side by side, outside the main thread", async () => {
    const items: object[] = Array.from({ length: 20 }, (_, i) => ({ id: `s${i}`, does: "sum", upTo: 5_000_000 }));
    const file = join(data, "met");
    // Of different chunks, and each waits for the other: one thread alone would never end.
    items[0] = { id: "first", does: "meet", upTo: THREADS, file };
    items[19] = { id: "last", does: "meet", upTo: THREADS, file };
    const { batch, results } = await run(items, { batchSize: 5 });
    expect(batch).toMatchObject({ status: "completed", succeeded_items: 20 });
    const threads = new Set(Object.values(results).map((result) => (result.result as { threadId: number }).threadId));
    expect(threads.has(0)).toBe(false);
    expect(threads.size).toBe(THREADS);
    expect(results["s3"]!.result).toMatchObject({ sum: 12_500_002_500_000, key: "s3" });
  });

  it("an endless loop is ended at its time limit, and the slot comes back", async () => {
    const file = join(data, "looping");
    const items = [{ id: "loop", does: "loop", file }, ...Array.from({ length: 6 }, (_, i) => ({ id: `s${i}`, does: "sum", upTo: 10 }))];
    const { batch, results } = await run(items, { retryAttempts: 0, concurrency: 1 }, async () => {
      await expect.poll(() => existsSync(file)).toBe(true);
      clock.reach(REACHED_MS);
    });
    expect(batch).toMatchObject({ status: "completed", succeeded_items: 6, failed_items: 1 });
    expect(results["loop"]).toMatchObject({
      success: false,
      errorCode: "timeout",
      error: `The item took longer than ${LIMIT_MS} ms; its thread was ended`,
    });
  });

  it("an exit, a throw and a result that is no JSON fail their own item only", async () => {
    const items = [
      { id: "exit", does: "exit" },
      { id: "throw", does: "throw" },
      { id: "bigint", does: "bigint" },
      { id: "function", does: "function" },
      { id: "fine", does: "sum", upTo: 3 },
    ];
    const { results } = await run(items, { retryAttempts: 0 });
    expect(results).toMatchObject({
      exit: { success: false, errorCode: "thread_died" },
      throw: { success: false, errorCode: "http_422", error: "from the thread" },
      bigint: { success: false, errorCode: "result_not_serialisable" },
      function: { success: false, errorCode: "result_not_serialisable" },
      fine: { success: true, result: { sum: 6 } },
    });
  });

  it("time in line is not an item's time", async () => {
    // Four items, two threads, two chunks with two lanes each: two wait in line.
    const [file, gate] = [join(data, "waiting"), join(data, "gate")];
    const items = Array.from({ length: 4 }, (_, i) => ({ id: `w${i}`, does: "wait", file, gate }));
    const { batch } = await run(items, { batchSize: 2, retryAttempts: 0 }, async () => {
      await expect.poll(() => linesOf(file).length).toBe(THREADS);
      expect(clock.held(REACHED_MS)).toBe(THREADS);
      writeFileSync(gate, "");
    });
    expect(batch).toMatchObject({ succeeded_items: 4, failed_items: 0 });
    expect(linesOf(file)).toHaveLength(4);
  });

  it("the items before and after a death or a loop in the same group run once", async () => {
    const file = join(data, "notes");
    const items: Record<string, unknown>[] = Array.from({ length: 300 }, (_, i) => ({ id: `n${i}`, does: "note", file }));
    items[157] = { id: "exit", does: "exit" };
    const looping = join(data, "looping");
    items[224] = { id: "loop", does: "loop", file: looping };
    const { batch, results } = await run(items, { batchSize: 300, retryAttempts: 0, concurrency: 1 }, async () => {
      await expect.poll(() => existsSync(looping)).toBe(true);
      clock.reach(REACHED_MS);
    });
    expect(batch).toMatchObject({ status: "completed", succeeded_items: 298, failed_items: 2 });
    expect(results).toMatchObject({ exit: { errorCode: "thread_died" }, loop: { errorCode: "timeout" } });
    const notes = linesOf(file);
    expect(notes).toHaveLength(298);
    expect(new Set(notes).size).toBe(298);
  });
});

describe("a group", () => {
  it("starts its first item whatever the time, and none after its time", async () => {
    const { port1: answers, port2: inbox } = new MessageChannel();
    const items = ["a", "b", "c"].map((key) => ({ key, payload: { does: "sum", upTo: 2 } }));
    const context = { attempt: 0, batchId: "b1", epoch: 1, options: {}, tenant: "default", traceparent: null };
    const module = new URL("./thread-work.fixture.ts", import.meta.url).href;
    await runGroup({ module, items, context, startsUntil: 0n, answers });
    expect(receiveMessageOnPort(inbox)).toMatchObject({ message: { value: { result: { sum: 3, key: "a" } } } });
    expect(receiveMessageOnPort(inbox)).toBeUndefined();
    inbox.close();
  });
});
