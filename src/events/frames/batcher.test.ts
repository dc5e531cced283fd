import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { EventBatcher, type BatcherEvent, type BatcherOptions } from "./batcher.ts";

function job(type: string, id: number, more: Partial<BatcherEvent> & { data?: Record<string, unknown> } = {}): BatcherEvent {
  return { type, ...more, data: { job_id: id, ...more.data } };
}

function batcherOf(over: Partial<BatcherOptions> = {}) {
  const clock = new VirtualClock();
  const started = clock.now();
  const sent: { at: number; type: string; data: Readonly<Record<string, unknown>> }[] = [];
  const batcher = new EventBatcher({
    clock,
    batchSize: 10,
    batchTimeoutMs: 500,
    maxRetries: 2,
    retryDelayMs: 500,
    send: ({ type, data }) => void sent.push({ at: clock.now() - started, type, data }),
    ...over,
  });
  return { clock, sent, batcher, started };
}

describe("groups", () => {
  it("three of a kind are one, 500 ms after the first", async () => {
    const { batcher, clock, sent } = batcherOf();
    for (const id of [123, 124, 125]) {
      expect(batcher.add(job("JOB_STARTED", id))).toBe(true);
      await clock.advance(100);
    }
    expect(batcher.statistics()).toMatchObject({ pending_events: 3, batcher_pending_events: 3 });
    await clock.advance(200);
    expect(sent).toEqual([{ at: 500, type: "JOBS_BATCH_STARTED", data: { job_ids: [123, 124, 125], batch_count: 3 } }]);
    expect(batcher.statistics()).toMatchObject({
      events_batched: 3,
      batches_created: 1,
      events_saved: 2,
      batches_failed: 0,
      pending_events: 0,
      batcher_events_saved: 2,
    });
  });

  it("constants that change count at once: for the open group, its size and its time", async () => {
    let constants = { batchSize: 10, batchTimeoutMs: 500, maxRetries: 0, retryDelayMs: 0 };
    const own = { batchSize: undefined, batchTimeoutMs: undefined, maxRetries: undefined, retryDelayMs: undefined };
    const { batcher, clock, sent } = batcherOf({ ...own, constants: () => constants });
    batcher.add(job("JOB_STARTED", 1));
    constants = { ...constants, batchTimeoutMs: 800 };
    await clock.advance(799);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toHaveLength(1);
    batcher.add(job("JOB_STARTED", 2));
    constants = { ...constants, batchSize: 2 };
    batcher.add(job("JOB_STARTED", 3));
    await batcher.flush();
    expect(sent[1]).toMatchObject({ at: 800, type: "JOBS_BATCH_STARTED" });
  });

  it("one stays as it was", async () => {
    const { batcher, clock, sent } = batcherOf();
    batcher.add(job("JOB_STARTED", 123, { data: { node: "n1" } }));
    await clock.advance(500);
    expect(sent).toEqual([{ at: 500, type: "JOB_STARTED", data: { job_id: 123, node: "n1" } }]);
    expect(batcher.statistics()).toMatchObject({ events_batched: 0, batches_created: 0, events_saved: 0, pending_events: 0 });
  });

  it("ten go at once, the eleventh starts a new group", async () => {
    const { batcher, clock, sent } = batcherOf();
    for (let id = 1; id <= 11; id++) batcher.add(job("JOB_STARTED", id));
    await clock.advance(0);
    expect(sent.map(({ at, data }) => [at, data["batch_count"]])).toEqual([[0, 10]]);
    await clock.advance(499);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent.at(-1)).toEqual({ at: 500, type: "JOB_STARTED", data: { job_id: 11 } });
  });

  it("nine and then silence are one group, 500 ms after the first and not after the last", async () => {
    const { batcher, clock, sent } = batcherOf();
    for (let id = 1; id <= 9; id++) {
      batcher.add(job("JOB_STARTED", id));
      await clock.advance(50);
    }
    await clock.advance(49);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent.map(({ at, data }) => [at, data["batch_count"]])).toEqual([[500, 9]]);
  });

  it("keep type, source, tenant and severity apart", async () => {
    const { batcher, clock, sent } = batcherOf();
    const kinds: Partial<BatcherEvent>[] = [{}, { source: "w2" }, { tenant: "t2" }, { severity: "warning" }];
    for (const more of kinds) for (const id of [1, 2]) batcher.add(job("JOB_STARTED", id, more));
    for (const id of [1, 2]) batcher.add(job("JOB_PAUSED", id));
    await clock.advance(500);
    expect(sent.map(({ type, data }) => [type, data["batch_count"]])).toEqual([
      ...kinds.map(() => ["JOBS_BATCH_STARTED", 2]),
      ["JOBS_BATCH_PAUSED", 2],
    ]);
  });

  it("a group whose time is over takes no more, also when its timer is late", async () => {
    let now = 0;
    const sleepy = { now: () => now, elapsed: () => now, after: () => () => undefined };
    const { batcher, sent } = batcherOf({ clock: sleepy });
    batcher.add(job("JOB_STARTED", 1));
    now = 900;
    batcher.add(job("JOB_STARTED", 2));
    await batcher.flush();
    expect(sent.map(({ data }) => data)).toEqual([{ job_id: 1 }, { job_id: 2 }]);
  });
});

describe("what a group says", () => {
  it("completed jobs: their times and the mean", async () => {
    const { batcher, sent } = batcherOf();
    for (const [id, ms] of [
      [1, 100],
      [2, 200],
      [3, 600],
    ] as const)
      batcher.add(job("JOB_COMPLETED", id, { data: { processing_time_ms: ms } }));
    await batcher.flush();
    expect(sent[0]).toMatchObject({
      type: "JOBS_BATCH_COMPLETED",
      data: { job_ids: [1, 2, 3], batch_count: 3, processing_times_ms: [100, 200, 600], avg_processing_time_ms: 300 },
    });
  });

  it("failed jobs: each with its message", async () => {
    const { batcher, sent } = batcherOf();
    batcher.add(job("JOB_FAILED", 1, { data: { error_message: "Timeout" } }));
    batcher.add(job("JOB_FAILED", 2, { data: { error_message: "Disk full" } }));
    await batcher.flush();
    expect(sent).toEqual([
      {
        at: 0,
        type: "JOBS_BATCH_FAILED",
        data: {
          items: [
            { job_id: 1, error_message: "Timeout" },
            { job_id: 2, error_message: "Disk full" },
          ],
          job_ids: [1, 2],
          batch_count: 2,
          error_messages: ["Timeout", "Disk full"],
        },
      },
    ]);
  });

  it("shared fields once, differing ones under events", async () => {
    const { batcher, sent } = batcherOf();
    batcher.add(job("JOB_STARTED", 1, { data: { queue: "high", node: "n1" } }));
    batcher.add(job("JOB_STARTED", 2, { data: { queue: "high", node: "n2", gpu: true } }));
    batcher.add({ type: "batch.started", data: { batch_id: "a", total: 5 } });
    batcher.add({ type: "batch.started", data: { batch_id: "b", total: 5 } });
    await batcher.flush();
    expect(sent.map(({ type, data }) => [type, data])).toEqual([
      [
        "JOBS_BATCH_STARTED",
        {
          job_ids: [1, 2],
          batch_count: 2,
          queue: "high",
          events: [
            { job_id: 1, node: "n1" },
            { job_id: 2, node: "n2", gpu: true },
          ],
        },
      ],
      ["batches.started", { batch_count: 2, total: 5, events: [{ batch_id: "a" }, { batch_id: "b" }] }],
    ]);
  });
});

describe("a sink that fails", () => {
  it("is tried twice more after 0.5 s, then event by event; what it refuses is kept and counted", async () => {
    const calls: [number, string][] = [];
    const { batcher, clock, started } = batcherOf({
      send({ type, data }) {
        calls.push([clock.now() - started, `${type} ${JSON.stringify(data["job_id"]) ?? ""}`]);
        if (type === "JOBS_BATCH_STARTED" || data["job_id"] === 2) throw new Error("sink is down");
      },
    });
    for (const id of [1, 2, 3]) batcher.add(job("JOB_STARTED", id));
    const flushed = batcher.flush();
    await clock.advance(2_000);
    await flushed;
    expect(calls).toEqual([
      [0, "JOBS_BATCH_STARTED "],
      [500, "JOBS_BATCH_STARTED "],
      [1000, "JOBS_BATCH_STARTED "],
      [1000, "JOB_STARTED 1"],
      [1000, "JOB_STARTED 2"],
      [1000, "JOB_STARTED 3"],
    ]);
    expect(batcher.deadLetters.map(({ event }) => event.data["job_id"])).toEqual([2]);
    expect(batcher.statistics()).toMatchObject({ batches_failed: 1, batches_created: 0, events_dead: 1, pending_events: 0 });
  });

  it("that comes back gets the group as it was, and later groups of the kind after it", async () => {
    let down = true;
    const seen: unknown[] = [];
    const { batcher, clock } = batcherOf({
      async send({ data }) {
        if (down) throw new Error("sink is down");
        seen.push(data["job_ids"]);
      },
    });
    for (const id of [1, 2]) batcher.add(job("JOB_STARTED", id));
    const first = batcher.flush();
    for (const id of [3, 4]) batcher.add(job("JOB_STARTED", id));
    await clock.advance(600);
    down = false;
    await clock.advance(1_000);
    await first;
    expect(seen).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(batcher.statistics()).toMatchObject({ batches_failed: 0, batches_created: 2, events_dead: 0 });
  });
});

describe("the end", () => {
  it("shutdown sends the four that wait; adding afterwards is refused and counted", async () => {
    const { batcher, sent } = batcherOf();
    for (const id of [1, 2, 3, 4]) batcher.add(job("JOB_STARTED", id));
    await batcher.shutdown();
    expect(sent.map(({ data }) => data["job_ids"])).toEqual([[1, 2, 3, 4]]);
    expect(batcher.add(job("JOB_STARTED", 5))).toBe(false);
    expect(batcher.statistics()).toMatchObject({ events_refused: 1, pending_events: 0, events_batched: 4 });
  });
});

describe("producers", () => {
  it("many at once lose nothing", async () => {
    const { batcher, clock, sent } = batcherOf();
    const producer = async (from: number): Promise<void> => {
      for (let n = 0; n < 100; n++) {
        batcher.add(job("JOB_STARTED", from + n));
        await Promise.resolve();
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, at) => producer(at * 100)));
    await clock.advance(500);
    const ids = sent.flatMap(({ data }) => (data["job_ids"] as number[] | undefined) ?? [data["job_id"] as number]);
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, at) => at));
  });

  it("one that is switched off sends at once, each by itself", async () => {
    const { batcher, clock, sent } = batcherOf({ useBatching: { quiet: false } });
    for (const id of [1, 2]) batcher.add(job("JOB_STARTED", id, { source: "quiet" }));
    for (const id of [3, 4]) batcher.add(job("JOB_STARTED", id, { source: "loud" }));
    await clock.advance(0);
    expect(sent.map(({ data }) => data)).toEqual([{ job_id: 1 }, { job_id: 2 }]);
    await clock.advance(500);
    expect(sent.at(-1)?.data).toEqual({ job_ids: [3, 4], batch_count: 2 });
  });
});
