import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { defineOperation } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

interface Push {
  batchId: string;
  operation: string;
  attempt: number;
  options: unknown;
  items: { key: string; payload: { n: number }; idempotencyKey: string }[];
}
type Answer = { status?: number; headers?: Record<string, string>; body: string };

const SECRET = "a secret of the operation";
let server: Server;
let url: string;
let calls: { body: string; push: Push; headers: IncomingHttpHeaders; at: number }[];
let answer: (push: Push, call: number) => Answer;
let yard: TestYard;

beforeEach(async () => {
  calls = [];
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts).toString("utf8");
      const push = JSON.parse(body) as Push;
      calls.push({ body, push, headers: request.headers, at: yard.clock.now() });
      const { status = 200, headers = {}, body: text } = answer(push, calls.length - 1);
      response.writeHead(status, headers).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/work`;
  yard = await createTestYard({ realMs: 2000, operations: [defineOperation({ name: "push", http: { url, secret: SECRET } })] });
});
afterEach(async () => {
  await yard.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const double = (push: Push): Answer => ({
  body: JSON.stringify({
    results: push.items.map((item) => ({ key: item.key, result: item.payload.n * 2, qualityScore: 0.5, cost: 0.001 })),
  }),
});
const items = [
  { id: "a", n: 1 },
  { id: "b", n: 2 },
];

async function run(options: Record<string, unknown> = {}) {
  const { id } = await yard.createBatch({ operation: "push", items, options });
  const batch = await yard.runToEnd(id);
  return { id, batch, results: await Array.fromAsync(yard.results(id)) };
}

describe("http executor", () => {
  it("pushes a chunk, signed, and settles its items from the answer", async () => {
    answer = double;
    const { id, batch, results } = await run();
    expect(batch).toMatchObject({ status: "completed", executor: "http", succeeded_items: 2, cost: 0.002 });
    expect(results).toMatchObject([
      { nodeId: "a", result: 2, qualityScore: 0.5 },
      { nodeId: "b", result: 4 },
    ]);
    expect(calls).toHaveLength(1);
    const { push, headers, body } = calls[0]!;
    expect(push).toEqual({
      batchId: id,
      operation: "push",
      attempt: 0,
      options: {},
      items: items.map((item) => ({ key: item.id, payload: item, idempotencyKey: `${id}:1:${item.id}` })),
    });
    expect(headers["idempotency-key"]).toMatch(new RegExp(`^${id}:1:\\d+$`));
    // A receiver verifies with the library of the scheme and the same secret.
    const signed = {
      "webhook-id": headers["webhook-id"] as string,
      "webhook-timestamp": headers["webhook-timestamp"] as string,
      "webhook-signature": headers["webhook-signature"] as string,
    };
    const webhook = new Webhook(Buffer.from(SECRET).toString("base64"));
    expect(webhook.verify(body, signed)).toMatchObject({ batchId: id });
    expect(() => webhook.verify(`${body} `, signed)).toThrow("No matching signature found");
  });

  it("takes failures item by item, and pushes only those that may be tried again", async () => {
    answer = (push, call) => {
      if (call > 0) return double(push);
      return {
        body: JSON.stringify({
          results: [
            { key: "a", error: "busy", code: "busy", category: "transient", retryAfterMs: 90_000 },
            { key: "b", error: "never", category: "data" },
          ],
        }),
      };
    };
    const { results } = await run();
    expect(results).toMatchObject([
      { nodeId: "a", success: true, retries: 1 },
      { nodeId: "b", success: false, error: "never", errorCode: "item_failed" },
    ]);
    expect(calls[1]!.push.items.map((item) => item.key)).toEqual(["a"]);
    expect(calls[1]!.at - calls[0]!.at).toBeGreaterThanOrEqual(90_000);
  });

  it("tries again after 500, and waits as long as 429 asks", async () => {
    answer = (push, call) =>
      [
        { status: 500, body: "oops" },
        { status: 429, headers: { "retry-after": "120" }, body: "" },
      ][call] ?? double(push);
    const { batch } = await run();
    expect(batch).toMatchObject({ status: "completed", retried_items: 4 });
    expect(calls).toHaveLength(3);
    expect(calls[2]!.at - calls[1]!.at).toBeGreaterThanOrEqual(120_000);
  });

  it("gives up at once where trying again is no use", async () => {
    answer = () => ({ status: 404, body: "no such thing" });
    const { batch, results } = await run();
    expect(batch.status).toBe("failed");
    expect(calls).toHaveLength(1);
    expect(results).toMatchObject([{ errorCode: "http_404" }, { errorCode: "http_404" }]);
    expect(results[0]!.error).toContain("answered 404: no such thing");
  });

  it.each([
    ["no JSON", "<html>", "bad_answer"],
    ["no results", '{"ok":true}', "bad_answer"],
    ["another key", '{"results":[{"key":"x","result":1}]}', "contract_violation"],
    ["an item left out", '{"results":[{"key":"a","result":1}]}', "result_missing"],
  ])("an answer with %s fails by name", async (_name, body, code) => {
    answer = () => ({ body });
    const { results } = await run();
    expect(calls).toHaveLength(1);
    expect(results.find((result) => result.nodeId === "b")).toMatchObject({ success: false, errorCode: code });
  });

  it("does not follow a redirect: it would carry the signature somewhere else", async () => {
    answer = (_push, call) => ({ status: 302, headers: { location: `${url}/elsewhere` }, body: `call ${call}` });
    const { results } = await run({ retryAttempts: 0 });
    expect(calls).toHaveLength(1);
    expect(results[0]!.error).toContain("answered 302");
  });

  it("a server that is not there is tried again", async () => {
    answer = double;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const { batch, results } = await run({ retryAttempts: 2 });
    expect(batch.retried_items).toBe(4);
    expect(results).toMatchObject([{ errorCode: "ECONNREFUSED", retries: 2 }, {}]);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
});
