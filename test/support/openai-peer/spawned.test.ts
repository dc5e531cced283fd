import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { Child, endChildren } from "../child.ts";
import { chatLines, clientOf, linesOf, submit, upload } from "./driven.ts";
import { spawnPeer } from "./spawned.ts";

afterEach(endChildren);

it("outlives a client that is killed while its create is held, and knows the batch", async () => {
  const peer = await spawnPeer({ steps: "poll", faults: { calls: [{ on: "batches.create", fault: "hold", acted: true, at: [1] }] } });
  const client = clientOf(peer.baseURL);
  const file = await upload(client, chatLines(2));
  const body = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h", metadata: { attempt: "a1" } };
  const code = `new (await import("openai")).OpenAI({ baseURL: ${JSON.stringify(peer.baseURL)}, apiKey: "any" }).batches.create(${JSON.stringify(body)})`;
  const victim = new Child(process.execPath, ["--input-type=module", "-e", code]);
  await peer.seen("batches.create");
  expect((await victim.end("SIGKILL")).signal).toBe("SIGKILL");
  await peer.release();

  const [found] = (await client.batches.list()).data;
  expect(found!.metadata).toEqual({ attempt: "a1" });
  await peer.advance(Infinity);
  const done = await client.batches.retrieve(found!.id);
  expect(await linesOf(client, done.output_file_id)).toHaveLength(2);
  expect((await peer.record()).attempts).toEqual({ a1: { created: 1, live: 0, mostLive: 1 } });
  expect((await peer.record()).billed).toHaveLength(2);
  await peer.close();
});

it("is led while it is down, and answers by a module", async () => {
  const peer = await spawnPeer({}, join(import.meta.dirname, "shouting.fixture.ts"));
  const client = clientOf(peer.baseURL);
  await peer.down("refused");
  await expect(client.models.list()).rejects.toThrow("Connection error");
  expect((await peer.record()).calls).toEqual({});
  await peer.up();
  const { id } = await submit(client, chatLines(1));
  await peer.advance(2);
  expect((await client.batches.retrieve(id)).status).toBe("finalizing");
  await peer.advance();
  const [line] = await linesOf(client, (await client.batches.retrieve(id)).output_file_id);
  expect(line!.response!.body).toMatchObject({ choices: [{ message: { content: "QUESTION 1" } }] });
});
