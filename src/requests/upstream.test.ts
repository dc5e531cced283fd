import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { startUpstream } from "../../test/support/upstream.ts";
import { openPair } from "../../test/support/campaigns/upstream-campaign.ts";
import type { Caller } from "../batches/service.ts";
import { createTestYard, type TestYard } from "../testing/index.ts";

/** Single requests to models of providers, and what their senders are told. */

const CALLER: Caller = { tenant: "default", actor: "test", role: "operator", credential: null, address: null };
const SETTINGS = { BATCH_MAX_REQUESTS: "3" };
const FIVE_MINUTES = 300_000;

const texts = (model: string, count = 3): string[] =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ jobType: "tags", model, prompt: `text ${i}` }));

async function submit(yard: TestYard, model: string): Promise<{ ids: string[]; batchId: string }> {
  const { accepted, rejected } = await yard.parts.collector.offer(CALLER, texts(model), 0);
  expect(rejected).toEqual([]);
  expect(new Set(accepted.map(({ row }) => row.batchId)).size).toBe(1);
  return { ids: accepted.map(({ row }) => row.id), batchId: accepted[0]!.row.batchId };
}

const statesOf = (yard: TestYard, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await yard.parts.collector.get(CALLER, id)).row.state));

describe("models of a provider", () => {
  it("with a batch API: one window is one upstream batch, and each request has its own answer", async () => {
    const pair = await openPair({ settings: SETTINGS });
    try {
      const { ids, batchId } = await submit(pair.yard, "gpt-4o-mini");
      expect(await pair.yard.runToEnd(batchId)).toMatchObject({ status: "completed", executor: "openai-batch", succeeded_items: 3 });
      await pair.yard.advance(0);
      expect(await statesOf(pair.yard, ids)).toEqual(["done", "done", "done"]);
      const { response } = await pair.yard.parts.collector.get(CALLER, ids[1]!);
      expect(JSON.stringify(response)).toContain("text 1 [");
      expect(response).toMatchObject({ status_code: 200 });
      expect((await pair.peer.record()).batches).toHaveLength(1);
    } finally {
      await pair.close();
    }
  });

  it("switched off: what is upstream is collected, nothing new is sent", async () => {
    const pair = await openPair({ settings: SETTINGS });
    try {
      const first = await submit(pair.yard, "gpt-4o-mini");
      while ((await pair.peer.record()).batches.length === 0) await pair.yard.advance(1000);
      await pair.yard.parts.settings.change({ processing: { enabled: false } });
      const second = await submit(pair.yard, "gpt-4o-mini");
      expect(await pair.yard.runToEnd(first.batchId)).toMatchObject({ succeeded_items: 3 });
      await pair.yard.advance(2 * FIVE_MINUTES);
      expect(await statesOf(pair.yard, [...first.ids, ...second.ids])).toEqual(["done", "done", "done", "batched", "batched", "batched"]);
      expect((await pair.peer.record()).batches).toHaveLength(1);
      await pair.yard.parts.settings.change({ processing: { enabled: true } });
      expect(await pair.yard.runToEnd(second.batchId)).toMatchObject({ succeeded_items: 3 });
    } finally {
      await pair.close();
    }
  });

  it("without one: its requests are asked online", async () => {
    const upstream = await startUpstream();
    const yard = await createTestYard({
      providers: { local: { baseURL: upstream.baseURL, apiKey: "k", batch: false } },
      settings: SETTINGS,
      realMs: 2000,
    });
    try {
      const { ids, batchId } = await submit(yard, "some-model");
      expect(await yard.runToEnd(batchId)).toMatchObject({ executor: "openai", succeeded_items: 3 });
      await yard.advance(0);
      expect(await statesOf(yard, ids)).toEqual(["done", "done", "done"]);
    } finally {
      await yard.close();
      await upstream.close();
    }
  });
});

describe("the webhook of a request", () => {
  it("is told once, signed, with the answer", async () => {
    const heard: { body: string; headers: IncomingHttpHeaders }[] = [];
    const sink = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (piece: string) => (body += piece));
      request.on("end", () => {
        heard.push({ body, headers: request.headers });
        // The first call fails: it is sent again under the same id.
        response.writeHead(heard.length === 1 ? 503 : 204).end();
      });
    });
    await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
    const host = `127.0.0.1:${(sink.address() as AddressInfo).port}`;
    const secret = "a-secret-of-the-webhooks";
    const yard = await createTestYard({
      settings: { ...SETTINGS, BATCHYARD_WEBHOOK_SECRET: secret, BATCHYARD_WEBHOOK_HOSTS: host },
      realMs: 2000,
    });
    try {
      const { collector, store } = yard.parts;
      const asked = { jobType: "tags", model: "batchyard-local", prompt: "A red car" };
      await expect(collector.submit(CALLER, JSON.stringify({ ...asked, webhook: "http://127.0.0.1:9/x" }))).rejects.toMatchObject({
        errors: [{ path: "webhook", code: "address_not_allowed" }],
      });
      const row = await collector.submit(CALLER, JSON.stringify({ ...asked, custom_id: "c", webhook: `http://${host}/hook` }));
      await collector.offer(CALLER, texts("batchyard-local", 2), 0);
      await yard.runToEnd(row.batchId);
      while (heard.length < 2) {
        await yard.advance(1000);
        await turn();
      }
      while ((await store.outbox.nextAt()) !== null) await yard.advance(1000);
      expect(heard).toHaveLength(2);
      expect(heard[1]!.headers["webhook-id"]).toBe(heard[0]!.headers["webhook-id"]);
      const { body, headers } = heard[1]!;
      const signed = Object.fromEntries(
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => [name, String(headers[name])]),
      );
      expect(new Webhook(Buffer.from(secret).toString("base64")).verify(body, signed)).toMatchObject({
        type: "request.done",
        data: { id: row.id, custom_id: "c", status: "done", batch_id: row.batchId, response: { status_code: 200 }, error: null },
      });
    } finally {
      await yard.close();
      sink.closeAllConnections();
      await new Promise((resolve) => sink.close(resolve));
    }
  });
});
