import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { serve, type Served } from "../api/server.fixture.ts";
import { defineOperation } from "../operations/define.ts";
import { asking } from "./openai-batch/asking.fixture.ts";

const HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let outside: Server;
/** Path of each call from the server → its traceparent. */
let heard: [string, string | undefined][];
let served: Served;

beforeEach(async () => {
  heard = [];
  outside = createServer((request, response) => {
    heard.push([request.url!, request.headers["traceparent"] as string | undefined]);
    request.resume();
    const answer = request.url === "/push" ? { results: [{ key: "a", result: 1 }] } : { choices: [{ message: { content: "yes" } }] };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => outside.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`;
  const pushed = defineOperation({ name: "pushed", options: z.strictObject({}), http: { url: `${url}/push` } });
  const providers = { peer: { baseURL: `${url}/v1`, apiKey: "k", models: ["gpt-*"] } };
  served = await serve({ operations: [pushed, asking], providers });
});
afterEach(async () => {
  await served.close();
  outside.closeAllConnections();
  await new Promise((resolve) => outside.close(resolve));
});

async function create(body: object, headers: Record<string, string>): Promise<string> {
  const { text } = await served.send({ method: "POST", url: "/api/batch/create", headers, payload: body });
  return (JSON.parse(text) as { batch: { id: string } }).batch.id;
}
const ended = (id: string) => Promise.race([served.event("batch.completed", id), served.event("batch.failed", id)]);

describe("what is called on behalf of a batch", () => {
  it.each([
    ["is told its trace", { traceparent: HEADER }, HEADER],
    ["is told of none when there is none", {}, undefined],
  ])("%s: the URL of an operation, a model provider, an outside worker", async (_, headers: Record<string, string>, told) => {
    await ended(await create({ operation: "pushed", items: [{ id: "a" }] }, headers));
    await ended(await create({ operation: "asking", items: [{ id: "a", text: "?" }], options: { executor: "openai" } }, headers));
    expect(heard).toEqual([
      ["/push", told],
      ["/v1/chat/completions", told],
    ]);
    await create({ operation: "echo", items: [{ id: "a" }], options: { executor: "external" } }, headers);
    const { text } = await served.send({ method: "POST", url: "/api/external/lease", payload: { worker: "w", max: 1 } });
    expect((JSON.parse(text) as { chunks: unknown[] }).chunks).toMatchObject([{ traceparent: told ?? null }]);
  });
});
