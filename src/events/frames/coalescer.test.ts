import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../../model/event.ts";
import { mergedType, partType, unmergeData } from "../../model/merged-event.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { classOf, EVENTS, isFinalType, type EventKind } from "../catalogue.ts";
import { Coalescer, DEFAULT_POLICY, type CoalescePolicy, type Flush } from "./coalescer.ts";
import { framesOf, wireFrame } from "./frame.ts";

const CLASSIC: CoalescePolicy = { kind: "classic", windowMs: 500, maxEvents: 10 };
const OFF: CoalescePolicy = { kind: "off", windowMs: 250, maxEvents: 1 };

function event(seq: number, type: string, id = "b1", data: Record<string, unknown> = {}): StoredEvent {
  const severity = (EVENTS as Record<string, EventKind>)[type]?.severity ?? "info";
  return {
    seq,
    epoch: "e",
    tenant: "t",
    type,
    entity: { kind: "batch", id },
    severity,
    ts: 1_000 + seq,
    data: { batch_id: id, n: seq, ...data },
  };
}

function coalescerOf(policy: CoalescePolicy) {
  const clock = new VirtualClock();
  const started = clock.now();
  const flushes: Flush[] = [];
  const sent: [number, string, number[]][] = [];
  const coalescer = new Coalescer({
    policy,
    clock,
    position: 0,
    sent(flush) {
      flushes.push(flush);
      for (const frame of flush.frames)
        sent.push([clock.now() - started, wireFrame(frame, "core").type, frame.events.map(({ seq }) => seq)]);
    },
  });
  return { clock, coalescer, sent, flushes };
}

describe("the default policy", () => {
  it("sends the first event at once, then one flush in 250 ms, and after a quiet time at once again", async () => {
    const { clock, coalescer, sent } = coalescerOf(DEFAULT_POLICY);
    for (let seq = 1; seq <= 5; seq++) {
      coalescer.add([event(seq, "batch.started", `b${seq}`)]);
      await clock.advance(50);
    }
    await clock.advance(1_000);
    coalescer.add([event(6, "batch.started")]);
    expect(sent).toEqual([
      [0, "batch.started", [1]],
      [300, "batches.started", [2, 3, 4, 5]],
      [1250, "batch.started", [6]],
    ]);
  });

  it("sends critical events at once, after what came before them", async () => {
    const { clock, coalescer, sent } = coalescerOf(DEFAULT_POLICY);
    coalescer.add([event(1, "batch.started", "b0")]);
    await clock.advance(10);
    coalescer.add([event(2, "batch.started"), event(3, "batch.started", "b2")]);
    await clock.advance(10);
    coalescer.add([event(4, "batch.failed")]);
    expect(sent.slice(1)).toEqual([
      [20, "batches.started", [2, 3]],
      [20, "batch.failed", [4]],
    ]);
  });

  it("keeps the last figure of an entity, none before its final event, and never merges records", async () => {
    const { clock, coalescer, sent } = coalescerOf(DEFAULT_POLICY);
    coalescer.add([event(1, "batch.started")]);
    coalescer.add([
      event(2, "batch.progress", "b1"),
      event(3, "batch.progress", "b2"),
      event(4, "batch.progress", "b2"),
      event(5, "settings.changed", "s"),
      event(6, "settings.changed", "s"),
      event(7, "batch.completed", "b1"),
      event(8, "batch.progress", "b3"),
    ]);
    await clock.advance(250);
    expect(sent.slice(1).map(([, type, seqs]) => [type, seqs])).toEqual([
      ["batches.progress", [4, 8]],
      ["settings.changed", [5]],
      ["settings.changed", [6]],
      ["batch.completed", [7]],
    ]);
  });

  it("never lets an entity's later event overtake", () => {
    const frames = framesOf(
      [event(1, "batch.paused", "a"), event(2, "batch.resumed", "a"), event(3, "batch.resumed", "b"), event(4, "batch.paused", "b")],
      { raw: false, maxEvents: 100, mergeCritical: false, lastFigures: false },
    );
    expect(frames.map(({ events }) => events.map(({ seq }) => seq))).toEqual([[1], [2, 3], [4]]);
  });
});

describe("the classic policy", () => {
  it("sends ten at once, the eleventh starts a new group which goes 500 ms later", async () => {
    const { clock, coalescer, sent } = coalescerOf(CLASSIC);
    coalescer.add(Array.from({ length: 11 }, (_, at) => event(at + 1, "batch.started", `b${at}`)));
    expect(sent.map(([at, , seqs]) => [at, seqs.length])).toEqual([[0, 10]]);
    await clock.advance(500);
    expect(sent.at(-1)).toEqual([500, "batch.started", [11]]);
  });

  it("sends nine and then silence 500 ms after the first", async () => {
    const { clock, coalescer, sent } = coalescerOf(CLASSIC);
    for (let seq = 1; seq <= 9; seq++) {
      coalescer.add([event(seq, "batch.failed", `b${seq}`)]);
      await clock.advance(50);
    }
    await clock.advance(50);
    expect(sent).toEqual([[500, "batches.failed", [1, 2, 3, 4, 5, 6, 7, 8, 9]]]);
  });

  it("keeps source, type, tenant and severity apart", async () => {
    const { clock, coalescer, sent } = coalescerOf(CLASSIC);
    const kinds = [
      event(0, "batch.started"),
      { ...event(0, "batch.started"), tenant: "t2" },
      { ...event(0, "batch.started"), severity: "warning" as const },
      event(0, "batch.started", "b1", { stream: "s" }),
      event(0, "batch.paused"),
    ];
    let seq = 0;
    for (const kind of kinds)
      for (const id of ["x", "y"]) coalescer.add([{ ...kind, seq: (seq += 1), entity: { kind: "batch", id: `${id}${seq}` } }]);
    await clock.advance(500);
    expect(sent.map(([, , seqs]) => seqs)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
      [9, 10],
    ]);
  });
});

describe("dialects", () => {
  it("a merged name tells the name of its parts", () => {
    for (const type of Object.keys(EVENTS)) {
      expect(partType(type)).toBeNull();
      expect(partType(mergedType(type))).toBe(type);
    }
  });

  it("a batch is a job in the upper-case one", () => {
    const started = framesOf(
      [123, 124, 125].map((id) => ({ ...event(id, "batch.started"), data: { batch_id: id } })),
      { raw: false, maxEvents: 10, mergeCritical: true, lastFigures: false },
    );
    expect(started.map((frame) => wireFrame(frame, "jobs"))).toEqual([
      {
        type: "JOBS_BATCH_STARTED",
        data: { job_ids: [123, 124, 125], batch_count: 3 },
        timestamp: new Date(1_125).toISOString(),
        severity: "info",
        from: 123,
        to: 125,
      },
    ]);
    const failed = framesOf(
      [1, 2].map((id) => ({ ...event(id, "batch.failed"), data: { batch_id: id, error: `e${id}` } })),
      { raw: false, maxEvents: 10, mergeCritical: true, lastFigures: false },
    );
    expect(wireFrame(failed[0]!, "jobs")).toMatchObject({
      type: "JOBS_BATCH_FAILED",
      data: {
        items: [
          { job_id: 1, error_message: "e1" },
          { job_id: 2, error_message: "e2" },
        ],
        error_messages: ["e1", "e2"],
      },
    });
    expect(wireFrame({ events: [{ ...event(1, "batch.completed"), data: { batch_id: 1, duration_ms: 7 } }] }, "jobs")).toMatchObject({
      type: "JOB_COMPLETED",
      data: { job_id: 1, processing_time_ms: 7 },
    });
  });
});

// ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────────────

type Seen = { type: string; data: Record<string, unknown> };

/** What a client knows after reading: of each entity its steps in order and its last figures, and all records. */
function fold(events: Iterable<Seen>): object {
  const entities: Record<string, { steps: Seen[]; figures: Record<string, unknown> }> = {};
  for (const { type, data } of events) {
    const entity = (entities[String(data["batch_id"])] ??= { steps: [], figures: {} });
    if (classOf(type) === "latest") entity.figures[type] = data;
    else entity.steps.push({ type, data });
    if (isFinalType(type)) entity.figures = {};
  }
  return entities;
}

function* read(flushes: readonly Flush[]): Generator<Seen> {
  for (const frame of flushes.flatMap((flush) => flush.frames)) {
    const wire = wireFrame(frame, "core");
    const { type, data } = JSON.parse(JSON.stringify(wire)) as Seen;
    const part = partType(type);
    if (part === null) yield { type, data };
    else for (const each of unmergeData(data)) yield { type: part, data: each };
  }
}

const TYPES = [
  "batch.created",
  "batch.started",
  "batch.progress",
  "batch.paused",
  "batch.resumed",
  "batch.completed",
  "batch.failed",
  "chunk.stalled",
  "settings.changed",
  "item.received",
  "worker.stats",
  "someone.elses",
];
const happening = fc.record({
  type: fc.constantFrom(...TYPES),
  id: fc.constantFrom("a", "b", "c"),
  gapMs: fc.constantFrom(0, 0, 0, 1, 50, 260, 600),
  extra: fc.dictionary(
    fc.constantFrom("stream", "events", "batch_count", "x", "__proto__"),
    fc.oneof(fc.constantFrom("s", "r"), fc.nat(2), fc.constant(null)),
    { maxKeys: 2 },
  ),
});

it("keeps the last figures of each life of an entity for readers who wait for them", () => {
  const events = [
    event(1, "batch.progress", "a", { progress: 99 }),
    event(2, "batch.progress", "a", { progress: 100 }),
    event(3, "batch.completed", "a"),
    event(4, "batch.resumed", "a"),
    event(5, "batch.progress", "a", { progress: 10 }),
    event(6, "batch.progress", "a", { progress: 20 }),
  ];
  const kept = (lastFigures: boolean): number[] =>
    framesOf(events, { raw: false, maxEvents: 1, mergeCritical: false, lastFigures }).flatMap((frame) =>
      frame.events.map(({ seq }) => seq),
    );
  expect(kept(true)).toEqual([2, 3, 4, 6]);
  expect(kept(false)).toEqual([3, 4, 6]);
});

describe("folding the coalesced stream", () => {
  it.each([DEFAULT_POLICY, CLASSIC, OFF])("gives the same state as folding the raw one: $kind", async (policy) => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (list) => {
        const { clock, coalescer, flushes } = coalescerOf(policy);
        const raw: StoredEvent[] = [];
        for (const { type, id, gapMs, extra } of list) {
          if (gapMs > 0) await clock.advance(gapMs);
          raw.push(event(raw.length + 1, type, id, extra));
          coalescer.add([raw.at(-1)!]);
        }
        await clock.advance(1_000);
        expect(coalescer.pending).toBe(0);
        expect(fold(read(flushes))).toEqual(
          fold(raw.map(({ type, data }) => ({ type, data: JSON.parse(JSON.stringify(data)) as Record<string, unknown> }))),
        );
        // Flushes follow each other without gap or overlap.
        let at = 0;
        for (const flush of flushes) {
          expect(flush.base).toBe(at);
          at = flush.end;
        }
        expect(at).toBe(raw.length);
      }),
      { numRuns: 150 },
    );
  });
});
