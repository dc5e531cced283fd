import { Backpressure } from "../batches/backpressure.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Caller } from "../batches/service.ts";
import { newBatch } from "../store/new-batch.fixture.ts";
import type { Store, StreamStore } from "../store/port.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import type { WindowSettings } from "./detections.ts";
import { YardStreams } from "./yard-streams.ts";

const COLLECTING = { enabled: true, createInterval: "*/5 * * * *", maxRequests: 100, minSize: 1, timeoutHours: 24 };

const CALLER: Caller = { tenant: "acme", actor: "test", role: "admin", credential: null, address: null };
const SETTINGS: WindowSettings = {
  windowSeconds: 90,
  idleTimeoutSeconds: 30,
  checkIntervalSeconds: 5,
  maxDetections: 500,
  fastPath: { confidenceThreshold: 0.9, objectTypes: ["person"] },
};

const BATCH = newBatch();

/** The real store; `refuse` makes it refuse commits, as a full disk would. */
class Rig {
  readonly clock = new VirtualClock();
  readonly directory = mkdtempSync(join(tmpdir(), "batchyard-yard-streams-"));
  readonly store: Store = openSqliteStore({ directory: this.directory, synchronous: "NORMAL" });
  readonly failures: unknown[] = [];
  settings = SETTINGS;
  commits = 0;
  refuse: (step: Parameters<StreamStore["commit"]>[0]) => boolean = () => false;
  readonly streams: YardStreams;

  constructor() {
    const { store } = this;
    const real = store.streams;
    const commit: StreamStore["commit"] = async (step) => {
      this.commits += 1;
      if (this.refuse(step)) throw new Error("the disk is full");
      return real.commit(step);
    };
    const streams = new Proxy(real, {
      get: (target, name) => (name === "commit" ? commit : Reflect.get(target, name).bind(target)) as unknown,
    });
    this.streams = new YardStreams({
      store: { streams, requests: store.requests, impact: store.impact, audit: store.audit, events: store.events },
      previewRequired: () => false,
      collecting: () => COLLECTING,
      answeredBy: () => ({}),
      creator: {
        windowPlan: () => ({ batch: BATCH, trace: () => null, maxFailures: () => null, chunkItems: () => Infinity, chunkChars: Infinity }),
      },
      clock: this.clock,
      pressure: new Backpressure({ batches: store.batches, limits: () => ({ maxSize: 1_000_000, backpressureThreshold: 1 }) }),
      traced: false,
      settings: () => this.settings,
      slots: () => 2,
      wake: () => undefined,
      failed: (error) => void this.failures.push(error),
    });
  }

  offer(stream: string, ...items: object[]): ReturnType<YardStreams["offer"]> {
    return this.streams.offer(
      CALLER,
      stream,
      items.map((item) => JSON.stringify(item)),
      0,
    );
  }

  async closed(): Promise<(readonly [string | null, string | null])[]> {
    return (await this.store.batches.list({ tenant: "acme" }, { limit: 1_000 })).batches.map(
      (batch) => [batch.streamKey, batch.closeReason] as const,
    );
  }
}

let rig: Rig;
async function open(declared: Record<string, unknown> = {}): Promise<Rig> {
  rig = new Rig();
  await rig.streams.start({ tenant: "acme", definitions: declared });
  return rig;
}
afterEach(async () => {
  await rig.streams.stop();
  await rig.store.close();
  rmSync(rig.directory, { recursive: true, force: true });
});

const KEYED = { operation: "transform", keyField: "k", windowSeconds: 10 };

describe("group commit", () => {
  it("posts of many clients within one turn share one commit", async () => {
    await open({ s: KEYED });
    await Promise.all(Array.from({ length: 64 }, (_, id) => rig.offer("s", { k: `key${id % 4}`, id })));
    expect(rig.commits).toBe(1);
    expect((await rig.store.streams.open()).map(({ items }) => items)).toEqual([16, 16, 16, 16]);
  });

  it("a refused commit leaves nothing, in memory neither; one bad post does not take the others along", async () => {
    await open({ s: { ...KEYED, maxItems: 2 } });
    await rig.offer("s", { k: "a", id: "1" });
    const before = rig.streams.windows(CALLER, "s");
    rig.refuse = () => true;
    await expect(rig.offer("s", { k: "a", id: "2" }, { k: "a", id: "3" }, { k: "b", id: "4" })).rejects.toThrow("the disk is full");
    expect(rig.streams.windows(CALLER, "s")).toEqual(before);
    rig.refuse = ({ changes }) => changes.some(({ window }) => window.key === "bad");
    const posts = await Promise.allSettled([
      rig.offer("s", { k: "a", id: "2" }),
      rig.offer("s", { k: "bad" }),
      rig.offer("s", { k: "b", id: "4" }),
    ]);
    expect(posts.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await rig.closed()).toEqual([["a", "max_size"]]);
    expect(rig.streams.windows(CALLER, "s").map(({ key, items }) => [key, items])).toEqual([["b", 1]]);
  });

  it("a refused commit gives dropped items back to their windows", async () => {
    await open({ s: { ...KEYED, maxOpen: 3, overflow: "drop_oldest" } });
    await rig.offer("s", { k: "a", id: "1" });
    await rig.clock.advance(1);
    await rig.offer("s", { k: "b", id: "2" }, { k: "a", id: "3" });
    const before = rig.streams.windows(CALLER, "s");
    rig.refuse = () => true;
    await expect(rig.offer("s", { k: "b", id: "4" }, { k: "c", id: "5" }, { k: "c", id: "6" })).rejects.toThrow("the disk is full");
    expect(rig.streams.windows(CALLER, "s")).toEqual(before);
    rig.refuse = () => false;
    expect(await rig.offer("s", { k: "a", id: "1" })).toMatchObject({ accepted: 0, rejected: [{ code: "duplicate_key" }] });
    expect(await rig.offer("s", { k: "b", id: "4" })).toMatchObject({ accepted: 1 });
    expect((await rig.store.streams.open()).flatMap(({ keys }) => keys)).toEqual(["3", "2", "4"]);
  });
});

describe("closing", () => {
  it("one key's error never stops another's; it is tried again", async () => {
    await open({ s: KEYED });
    await rig.offer("s", { k: "a" }, { k: "bad" }, { k: "b" });
    rig.refuse = ({ changes }) => changes.some(({ window }) => window.key === "bad");
    await rig.clock.advance(10_000);
    expect((await rig.closed()).map(([key]) => key ?? "").toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["a", "b"]);
    expect(rig.failures).toHaveLength(1);
    rig.refuse = () => false;
    await rig.clock.advance(1_000);
    expect(await rig.closed()).toHaveLength(3);
    expect(rig.streams.windows(CALLER, "s")).toEqual([]);
  });

  it("10,000 open windows close on time, a hundred a commit, and say how late they were", async () => {
    await open({ s: KEYED });
    await rig.offer("s", ...Array.from({ length: 10_000 }, (_, k) => ({ k })));
    const before = rig.commits;
    await rig.clock.advance(9_999);
    expect(rig.commits).toBe(before);
    await rig.clock.advance(1);
    while (rig.streams.windows(CALLER, "s").length > 0) await rig.clock.advance(0);
    expect(rig.commits - before).toBe(100);
    expect(rig.streams.lag()).toEqual({ closures: 10_000, p50Ms: 0, p99Ms: 0, maxMs: 0 });
    await rig.offer("s", { k: "late" });
    await rig.clock.skipTo(rig.clock.now() + 12_500);
    expect(rig.streams.lag()).toMatchObject({ closures: 10_001, maxMs: 2_500 });
  });

  it("changed settings count for open windows at once, and are no lateness", async () => {
    await open();
    rig.settings = { ...SETTINGS, windowSeconds: 120, idleTimeoutSeconds: 100 };
    rig.streams.rulesChanged();
    await rig.offer("detections", { camera_id: "gate", detection_id: 1 });
    await rig.clock.advance(95_000);
    expect(await rig.closed()).toEqual([]);
    rig.settings = SETTINGS;
    rig.streams.rulesChanged();
    await rig.clock.advance(0);
    expect(await rig.closed()).toEqual([["gate", "timeout"]]);
    expect(rig.streams.lag().closures).toBe(0);
  });
});

describe("declared streams", () => {
  it("count whatever was stored; a faulty one stops the start with its fault", async () => {
    await open({ s: KEYED });
    await rig.streams.put(CALLER, "s", { ...KEYED, windowSeconds: 99 });
    await rig.streams.setPaused(CALLER, "s", true);
    await rig.streams.stop();
    await rig.streams.start({ tenant: "acme", definitions: { s: { ...KEYED, windowSeconds: 20 } } });
    expect(rig.streams.get(CALLER, "s").definition).toMatchObject({ windowSeconds: 20, paused: true });
    await expect(rig.streams.start({ tenant: "acme", definitions: { s: { operation: "transform" } } })).rejects.toThrow(
      "no rule closes a window",
    );
    await expect(rig.streams.start({ tenant: "acme", definitions: { detections: { windowSeconds: 1 } } })).rejects.toThrow(
      "BATCH_WINDOW_SECONDS",
    );
  });
});
