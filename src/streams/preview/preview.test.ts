import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { Backpressure } from "../../batches/backpressure.ts";
import type { Caller } from "../../batches/service.ts";
import { ArrivalColumns } from "../../model/arrival-block.ts";
import { newBatch } from "../../store/new-batch.fixture.ts";
import type { ClosedWindow, Store } from "../../store/port.ts";
import { openSqliteStore } from "../../store/sqlite/store.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { closureSettings } from "./candidate.ts";
import type { StreamSettings } from "../definition.ts";
import { replay, type Act } from "./replay.ts";
import { YardStreams } from "../yard-streams.ts";

const COLLECTING = { enabled: true, createInterval: "*/5 * * * *", maxRequests: 100, minSize: 1, timeoutHours: 24 };

/** The aggregator with its store, timers and group commits on a virtual clock, beside the replay of what it recorded. */

const CALLER: Caller = { tenant: "acme", actor: "test", role: "admin", credential: null, address: null };
const BATCH = newBatch({ operation: "echo" });
let directory: string;
let clock: VirtualClock;
let store: Store;
let streams: YardStreams;

async function begin(): Promise<void> {
  streams = new YardStreams({
    store,
    previewRequired: () => false,
    collecting: () => COLLECTING,
    answeredBy: () => ({}),
    creator: {
      windowPlan: () => ({ batch: BATCH, trace: () => null, maxFailures: () => null, chunkItems: () => Infinity, chunkChars: Infinity }),
    },
    clock,
    pressure: new Backpressure({ batches: store.batches, limits: () => ({ maxSize: 1_000_000, backpressureThreshold: 1 }) }),
    traced: false,
    settings: () => ({
      windowSeconds: 90,
      idleTimeoutSeconds: 30,
      checkIntervalSeconds: 5,
      maxDetections: 500,
      fastPath: { confidenceThreshold: 0.9, objectTypes: ["person"] },
    }),
    slots: () => 2,
    wake: () => undefined,
    failed: (error) => {
      throw error;
    },
  });
  await streams.start(null);
}

async function open(): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), "batchyard-preview-"));
  clock = new VirtualClock();
  store = openSqliteStore({ directory, synchronous: "NORMAL" });
  await begin();
}

async function close(): Promise<void> {
  await streams.stop();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
}
afterEach(close);

const put = (definition: Partial<StreamSettings>) => streams.put(CALLER, "s", { operation: "echo", keyField: "k", ...definition });
const offer = (items: { k: string; x?: string; urgent?: number; type?: string }[]) =>
  streams.offer(
    CALLER,
    "s",
    items.map((item) => JSON.stringify(item)),
    0,
  );
const ask = (changes: Record<string, unknown> = {}, more: { since?: number; sweep?: { field: string; values: number[] } } = {}) =>
  streams.preview(CALLER, "s", { changes, since: more.since ?? null, sweep: more.sweep ?? null });

async function recorded(): Promise<ClosedWindow[]> {
  const windows: ClosedWindow[] = [];
  for await (const page of store.impact.closed("acme", "s", { from: 0, to: Infinity })) windows.push(...page);
  return windows;
}

type Line = readonly [key: string, openedAt: number, closedAt: number, items: number, bytes: number, reason: string];
const inOrder = (lines: Line[]): string[] => lines.map((line) => JSON.stringify(line)).sort();

const definitions = fc.record(
  {
    windowSeconds: fc.integer({ min: 5, max: 40 }),
    idleTimeoutSeconds: fc.integer({ min: 1, max: 4 }),
    maxItems: fc.integer({ min: 3, max: 12 }),
    maxBytes: fc.integer({ min: 60, max: 600 }),
    minItems: fc.integer({ min: 1, max: 3 }),
    schedule: fc.constantFrom("* * * * *", "*/7 * * * * *"),
  },
  { requiredKeys: ["windowSeconds"] },
);
const happening = fc.oneof(
  { weight: 12, arbitrary: fc.record({ items: fc.array(fc.tuple(fc.nat(5), fc.nat(60)), { minLength: 1, maxLength: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ burst: fc.integer({ min: 20, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ urgent: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ flush: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.constant({ pause: true }) },
  { weight: 1, arbitrary: fc.constant({ restart: true }) },
);
const gap = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 1_500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60_000 }) },
);

describe("replay", () => {
  it("closes what the aggregator closed: same windows, times and reasons, for any rules and arrivals", async () => {
    await open();
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(definitions, fc.array(fc.tuple(happening, gap), { minLength: 5, maxLength: 60 }), async (definition, happenings) => {
        await close();
        await open();
        const fastPath = { field: "urgent", threshold: 0.5, typeField: "type", types: ["fire"] };
        await put({ ...definition, fastPath });
        const acts: ({ at: number; paused: boolean } | { at: number; key: string })[] = [];
        let paused = false;
        for (const [what, ms] of happenings) {
          if ("items" in what) await offer(what.items.map(([k, size]) => ({ k: `key-${k}`, x: "x".repeat(size) })));
          else if ("burst" in what) await offer(Array.from({ length: what.burst }, (_, n) => ({ k: `key-${n % 3}` })));
          else if ("urgent" in what) await offer([{ k: `key-${what.urgent}`, urgent: 1, type: "fire" }]);
          else if ("flush" in what) {
            const key = `key-${what.flush}`;
            if ((await streams.flush(CALLER, "s", key)).batches.length > 0) acts.push({ at: clock.now(), key });
          } else if ("pause" in what) {
            paused = !paused;
            await streams.setPaused(CALLER, "s", paused);
            acts.push({ at: clock.now(), paused });
          } else {
            await streams.stop();
            await begin();
          }
          await clock.advance(ms);
        }
        const until = clock.now();
        const arrivals = new ArrivalColumns();
        for await (const block of store.impact.blocks("acme", "s", { from: 0, to: Infinity })) arrivals.read(block);
        const replayed: Line[] = [];
        const numbered = acts.flatMap((act): Act[] => ("key" in act ? [{ at: act.at, flush: arrivals.find(act.key)! }] : [act]));
        const settings = closureSettings(streams.get(CALLER, "s").definition);
        const seen = await replay(
          { arrivals, acts: numbered, paused: false, until },
          settings,
          (key, { openedAt, closedAt, items, bytes, reason }) =>
            replayed.push([arrivals.keys[key]!, openedAt, closedAt, items, bytes, reason]),
        );
        const real = await recorded();
        expect(inOrder(replayed)).toEqual(
          inOrder(real.map((window) => [window.key, window.openedAt, window.closedAt, window.items, window.bytes, window.reason])),
        );
        expect(seen.openItems).toBe(streams.get(CALLER, "s").openItems);
        const { preview } = await ask({}, { since: 0 });
        expect(preview.calibration?.share ?? 1).toBe(1);
        compared += real.length;
      }),
      { numRuns: 30 },
    );
    expect(compared).toBeGreaterThan(200);
  });
});
