import type { Batch, Client } from "../../../src/client/index.ts";

export interface SampleBatches {
  /** Ended, some of its items failed, in two ways. */
  mixed: string;
  /** Runs for most of an hour. */
  running: string;
  /** All its items failed. */
  failed: string;
  /** The mixed one again, some of its prices mended and one spoilt. */
  replay: string;
}

/** The address of a read-only link to a batch: path and secret. */
export async function linkTo(client: Client, id: string): Promise<string> {
  return (await client.request<{ path: string }>(`/api/batch/${id}/share`, { method: "POST", json: {} })).path;
}

const PRODUCTS = ["lamp", "chair", "table", "shelf", "desk", "rug", "sofa", "stool"];

/** Batches in every state, made through the API, for a server with the operations of misbehaving.config.ts. */
export async function sampleBatches(client: Client): Promise<SampleBatches> {
  const ended = async (batch: Batch): Promise<string> => {
    for await (const progress of client.watch(batch.id)) void progress;
    return batch.id;
  };
  const products = (count: number): Record<string, unknown>[] =>
    Array.from({ length: count }, (_, i) => ({
      id: `sku-${1000 + i}`,
      name: PRODUCTS[i % PRODUCTS.length],
      price: i % 9 === 4 ? -1 : i % 23 === 7 ? "on request" : 10 + i,
    }));
  const schema = { type: "object", required: ["name"], properties: { price: { type: "number", minimum: 0 } } };
  for (let i = 0; i < 24; i += 1) {
    const name = `Price list ${PRODUCTS[i % PRODUCTS.length]} ${2026 - (i % 3)}`;
    const request = { operation: "transform", name, options: { expression: "{ 'title': $uppercase(name) }" }, tags: ["nightly"] };
    await client.create(request, products(20 + ((i * 37) % 180)));
  }
  const mixed = await ended(
    await client.create({ operation: "validate", name: "Spring catalogue", options: { schema, batchSize: 20 } }, products(640)),
  );
  const edits = Object.fromEntries(
    products(60).flatMap((product, i) =>
      i % 9 === 4 ? [[product["id"], { ...product, price: 5 }]] : i === 0 ? [[product["id"], { ...product, price: -3 }]] : [],
    ),
  ) as Record<string, Record<string, unknown>>;
  const replay = await ended(await client.replay(mixed, { edits }));
  const failed = await ended(
    await client.create(
      { operation: "validate", name: "Supplier feed, wrong columns", options: { schema: { required: ["ean"] } }, priority: "high" },
      products(60),
    ),
  );
  const [, rarer] = await client.errors(mixed);
  const mute = { reason: "The old shop writes prices as text; gone with its last feed", minutes: 10_080, untilChange: true };
  await client.request(`/api/system/failures/mutes/${rarer!.fingerprint}`, { method: "PUT", json: mute });
  const steady = { operation: "steady", options: { workMs: 400, batchSize: 10, concurrency: 2 } };
  const numbers = Array.from({ length: 15_000 }, (_, n) => ({ id: `n${n}`, n }));
  const cancelled = await client.create({ ...steady, name: "Started by mistake" }, numbers.slice(0, 200));
  await client.cancel(cancelled.id);
  const paused = await client.create({ ...steady, name: "Waits for the week-end" }, numbers.slice(0, 300));
  await client.pause(paused.id);
  const running = await client.create({ ...steady, name: "Nightly enrichment of the whole archive, all shops and languages" }, numbers);
  for await (const { processed } of client.watch(running.id)) if ((processed ?? 0) >= 20) break;
  return { mixed, running: running.id, failed, replay };
}
