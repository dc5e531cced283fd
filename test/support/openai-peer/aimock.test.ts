import { LLMock } from "@copilotkit/aimock";
import type { OpenAI } from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chatLines, CLIENTS, clientOf, ids, linesOf, submit } from "./driven.ts";
import { type Peer, startPeer } from "./peer.ts";

/**
 * The peer beside an independent mock of the provider, on the plain path: what both send has to have the same form. The
 * mock leaves out what the provider sends as null, and answers every line of a batch alike.
 */
let peer: Peer;
let mock: LLMock;
beforeEach(async () => {
  peer = await startPeer({ steps: "poll" });
  mock = new LLMock({ port: 0 });
  mock.onMessage("hello", { content: "hello" });
  await mock.start();
});
afterEach(() => Promise.all([peer.close(), mock.stop()]));

/** The form of a value: keys and kinds, `id…_` for ids. */
function form(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(form);
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, form(each)]));
  return value === null ? "null" : typeof value;
}

async function batchOf(client: OpenAI): Promise<{ created: OpenAI.Batch; done: OpenAI.Batch; lines: Awaited<ReturnType<typeof linesOf>> }> {
  const created = await submit(client, chatLines(3), "a1");
  let done = created;
  while (done.status !== "completed") done = await client.batches.retrieve(created.id);
  return { created, done, lines: await linesOf(client, done.output_file_id) };
}

describe.each(CLIENTS)("%s", (_name, Client) => {
  it("a batch has the form that the mock gives it, and the same results", async () => {
    const ours = await batchOf(clientOf(peer.baseURL, Client));
    const theirs = await batchOf(clientOf(`${mock.url}/v1`, Client));
    expect(form(ours.created)).toMatchObject(form(theirs.created) as object);
    expect(form(ours.done)).toMatchObject(form(theirs.done) as object);
    expect(ours.done.request_counts).toEqual(theirs.done.request_counts);
    expect(ids(ours.lines)).toEqual(ids(theirs.lines));
    for (const [index, line] of theirs.lines.entries()) {
      expect(Object.keys(ours.lines[index]!).toSorted()).toEqual(Object.keys(line).toSorted());
      expect(form(ours.lines[index])).toMatchObject(form(line) as object);
    }
  });

  it("a chat completion has the form that the mock gives it", async () => {
    const body = { model: "gpt-4o", messages: [{ role: "user" as const, content: "hello" }] };
    const [ours, theirs] = await Promise.all(
      [peer.baseURL, `${mock.url}/v1`].map((baseURL) => clientOf(baseURL, Client).chat.completions.create(body)),
    );
    expect(ours!.choices[0]!.message.content).toBe(theirs!.choices[0]!.message.content);
    expect(form(ours)).toMatchObject(form(theirs) as object);
  });

  it("files and lists have the form that the mock gives them", async () => {
    const forms = await Promise.all(
      [peer.baseURL, `${mock.url}/v1`].map(async (baseURL) => {
        const client = clientOf(baseURL, Client);
        const { input_file_id } = await submit(client, chatLines(1));
        // What the client types as a page holds the raw answer; the mock's batches outlive it, so values may differ.
        const { body } = (await client.batches.list({ limit: 1 })) as unknown as { body: object };
        const file = await client.files.retrieve(input_file_id);
        return { list: form({ ...body, data: [] }), file: form(file), deleted: form(await client.files.delete(file.id)) };
      }),
    );
    expect(forms[0]).toMatchObject(forms[1]!);
  });
});
