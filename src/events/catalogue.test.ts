import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineOperation } from "../operations/define.ts";
import { TestYard } from "../testing/test-yard.ts";
import { CONTROL_FRAMES, EVENTS, registryOf, type EventKind } from "./catalogue.ts";

const TABLE: Readonly<Record<string, EventKind | undefined>> = EVENTS;

const moody = defineOperation({
  name: "moody",
  description: "Does what it is told",
  options: z.strictObject({}),
  processItem(item: Record<string, unknown>, { attempt }) {
    if (item["fail"] === true || (item["once"] === true && attempt === 0))
      throw Object.assign(new Error("not today"), { category: "transient", status: 503 });
    return { result: true };
  },
});

describe("the table", () => {
  it.each(Object.entries<Pick<EventKind, "data" | "example">>({ ...EVENTS, ...CONTROL_FRAMES }))(
    "%s: its example has its fields, and no others",
    (_, { data, example }) => {
      expect(() => data.strict().parse(example)).not.toThrow();
    },
  );

  it("is what the registry shows, as JSON Schema", () => {
    const registry = registryOf();
    expect(registry.map(({ type }) => type)).toEqual(Object.keys(EVENTS));
    for (const { schema, example } of registry) {
      expect(schema).toMatchObject({ type: "object" });
      expect(Object.keys(schema["properties"] as object)).toEqual(expect.arrayContaining(Object.keys(example)));
    }
  });
});

describe("what the store and the engine emit", () => {
  let yard: TestYard;
  beforeAll(async () => {
    yard = await TestYard.open({ operations: [moody], settings: { BATCHYARD_WORKERS: "2" } });
  });
  afterAll(() => yard.close());

  it("has a row, its class's severity and exactly the fields of the row", async () => {
    const items = (one: object) => Array.from({ length: 3 }, (_, n) => ({ id: `k${n}`, ...one }));
    const create = async (one: object, options: Record<string, unknown> = {}) =>
      (await yard.createBatch({ operation: "moody", items: items(one), options })).id;
    const fine = await create({});
    const failing = await create({ fail: true }, { retryAttempts: 0 });
    const retrying = await create({ once: true }, { retryAttempts: 2, retryBackoffMs: 1_000 });
    for (const id of [fine, failing, retrying]) await yard.runToEnd(id);
    await yard.retryBatch(failing);
    await yard.runToEnd(failing);
    const waiting = await yard.createBatch({ operation: "moody", total_items: 2 });
    await yard.pauseBatch(waiting.id);
    await yard.resumeBatch(waiting.id);
    await yard.recordResult(waiting.id, "1", true);
    await yard.cancelBatch(waiting.id);
    const late = await yard.createBatch({
      operation: "moody",
      total_items: 2,
      options: { deadline: new Date(yard.clock.now() + 60_000).toISOString() },
    });
    await yard.advance(120_000);
    expect((await yard.getBatch(late.id)).status).toBe("expired");
    // A worker that dies while it holds a chunk.
    const { store } = yard.parts;
    const held = await yard.createBatch({ operation: "moody", items: items({}), options: { executor: "external" } });
    const [chunk] = await store.chunks.pending(held.id, yard.clock.now(), 1, new Set());
    await store.chunks.claim(chunk!.id, { workerId: "outside:1", leaseMs: 1_000, now: yard.clock.now() });
    await store.chunks.reap({ now: yard.clock.now() + 2_000 });

    const events = await store.events.read(0, 10_000);
    for (const { type, severity, data } of events) {
      const row = TABLE[type];
      expect(row, `${type} has no row`).toBeDefined();
      expect(row!.data.strict().safeParse(data).error?.issues ?? [], `${type} ${JSON.stringify(data)}`).toEqual([]);
      expect([type, severity]).toEqual([type, row!.severity]);
    }
    const seen = new Set(events.map(({ type }) => type));
    const ours = Object.keys(EVENTS).filter((type) => type.startsWith("batch.") || type.startsWith("chunk."));
    expect(ours.filter((type) => !seen.has(type))).toEqual([]);
  });
});
