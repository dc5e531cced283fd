import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/testing/index.ts";
import { chatLine, chatLines, CLIENTS, clientOf, create, failure, ids, linesOf, submit, upload } from "./driven.ts";
import { type Peer, type PeerOptions, startPeer } from "./peer.ts";

let peer: Peer;
const started = async (options: PeerOptions = {}): Promise<Peer> => (peer = await startPeer(options));
afterEach(() => peer.close());

describe.each(CLIENTS)("%s", (_name, Client) => {
  it("takes a batch from upload to results, and bills each line once", async () => {
    const { baseURL } = await started({ steps: "poll" });
    const client = clientOf(baseURL, Client);
    const created = await submit(client, chatLines(3), "a1");
    expect(created).toMatchObject({
      object: "batch",
      status: "validating",
      output_file_id: null,
      error_file_id: null,
      errors: null,
      usage: null,
    });
    expect(created.expires_at! - created.created_at).toBe(86_400);

    const seen: string[] = [];
    let batch = created;
    for (; batch.status !== "completed"; batch = await client.batches.retrieve(created.id)) {
      const { completed, total } = batch.request_counts!;
      seen.push(`${batch.status} ${completed}/${total}`);
    }
    expect(seen).toEqual(["validating 0/0", "validating 0/0", "in_progress 0/3", "in_progress 2/3", "finalizing 3/3"]);
    expect(batch).toMatchObject({ model: "gpt-4o", metadata: { attempt: "a1" }, request_counts: { total: 3, completed: 3, failed: 0 } });
    for (const stamp of [batch.in_progress_at, batch.finalizing_at, batch.completed_at])
      expect(stamp).toBeGreaterThanOrEqual(batch.created_at);

    const lines = await linesOf(client, batch.output_file_id);
    expect(ids(lines)).toEqual(["c1", "c2", "c3"]);
    expect(lines[0]).toMatchObject({
      id: expect.stringMatching(/^batch_req_/) as string,
      error: null,
      response: {
        status_code: 200,
        body: {
          object: "chat.completion",
          choices: [{ message: { content: "question 1 [c1]" } }],
          usage: { prompt_tokens: 6, completion_tokens: 4 },
        },
      },
    });
    const { billed, attempts } = await peer.record();
    expect(billed.map(({ customId, batchId, attempt }) => [customId, batchId, attempt])).toEqual(
      ["c1", "c2", "c3"].map((id) => [id, batch.id, "a1"]),
    );
    expect(billed[0]).toMatchObject({ model: "gpt-4o", usage: { input: 6, cached: 0, output: 4, reasoning: 0 }, text: "question 1" });
    expect(batch.usage).toMatchObject({ input_tokens: 18, output_tokens: 12, total_tokens: 30 });
    expect(attempts).toEqual({ a1: { created: 1, live: 0, mostLive: 1 } });
  });

  it("pages lists, newest first", async () => {
    const client = clientOf((await started()).baseURL, Client);
    const file = await upload(client, chatLines(1));
    const made: string[] = [];
    for (let n = 0; n < 105; n++) made.push((await create(client, file.id)).id);
    const found: string[] = [];
    for await (const batch of client.batches.list({ limit: 50 })) found.push(batch.id);
    expect(found).toEqual(made.toReversed());
    const first = await client.batches.list();
    expect(first.data).toHaveLength(20);
    expect(first.hasNextPage()).toBe(true);
    const last = await client.batches.list({ limit: 5, after: made[5]! });
    expect([last.data.map(({ id }) => id), last.hasNextPage()]).toEqual([made.slice(0, 5).toReversed(), false]);
    expect((await failure(client.batches.list({ limit: 101 }))).status).toBe(400);
  });

  it("keeps files: retrieve, list, content, delete", async () => {
    const client = clientOf((await started()).baseURL, Client);
    const file = await upload(client, ["one", "two"]);
    expect(file).toMatchObject({ object: "file", purpose: "batch", filename: "input.jsonl", bytes: 8, status: "processed" });
    expect(await client.files.waitForProcessing(file.id)).toEqual(file);
    expect((await client.files.list({ purpose: "batch" })).data).toEqual([file]);
    expect(await (await client.files.content(file.id)).text()).toBe("one\ntwo\n");
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: "file", deleted: true });
    expect(await failure(client.files.retrieve(file.id))).toBeInstanceOf(Client.NotFoundError);
  });

  it("answers single requests in the shape of each endpoint and bills them as online", async () => {
    const client = clientOf((await started()).baseURL, Client);
    const chat = await client.chat.completions.create({ model: "o4-mini", messages: [{ role: "user", content: "hello" }] }).withResponse();
    expect(chat.data.choices[0]!.message.content).toBe("hello");
    expect(chat.data.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 66, completion_tokens_details: { reasoning_tokens: 64 } });
    const response = await client.responses.create({ model: "gpt-4o", input: "x".repeat(8192) });
    expect(response.output_text).toHaveLength(8192);
    expect(response.usage).toMatchObject({ input_tokens: 2051, input_tokens_details: { cached_tokens: 1024 } });
    const embedded = await client.embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"], dimensions: 4 });
    expect(embedded.data.map(({ embedding }) => embedding.length)).toEqual([4, 4]);
    const text = await client.completions.create({ model: "gpt-3.5-turbo-instruct", prompt: "hey" });
    expect(text.choices[0]!.text).toBe("hey");
    expect((await client.models.list()).data.map(({ id }) => id)).toContain("gpt-4o-mini");

    const { billed } = await peer.record();
    expect(
      billed.map(({ endpoint, batchId, usage }) => [endpoint, batchId, usage.input, usage.cached, usage.output, usage.reasoning]),
    ).toEqual([
      ["/v1/chat/completions", null, 5, 0, 66, 64],
      ["/v1/responses", null, 2051, 1024, 2048, 0],
      ["/v1/embeddings", null, 2, 0, 0, 0],
      ["/v1/completions", null, 1, 0, 1, 0],
    ]);
    expect(billed[0]!.requestId).toBe(chat.request_id);
  });

  it("cancels between two steps and keeps what was done; what has ended cannot be cancelled", async () => {
    const client = clientOf((await started()).baseURL, Client);
    const { id } = await submit(client, chatLines(4), "a1");
    await peer.advance(2);
    expect((await client.batches.cancel(id)).status).toBe("cancelling");
    expect((await peer.record()).attempts["a1"]!.live).toBe(0);
    await peer.advance();
    const cancelled = await client.batches.retrieve(id);
    expect(cancelled).toMatchObject({ status: "cancelled", request_counts: { total: 4, completed: 2, failed: 0 }, error_file_id: null });
    expect(ids(await linesOf(client, cancelled.output_file_id))).toEqual(["c1", "c2"]);
    expect((await peer.record()).billed).toHaveLength(2);
    expect((await client.batches.cancel(id)).status).toBe("cancelled");

    const other = await submit(client, chatLines(1));
    await peer.advance(Infinity);
    expect(await failure(client.batches.cancel(other.id))).toBeInstanceOf(Client.ConflictError);
  });

  it("refuses what is not there, with all four keys of an error", async () => {
    const client = clientOf((await started({ models: ["gpt-4o"] })).baseURL, Client);
    const missing = await failure(create(client, "file-none"));
    expect(missing.status).toBe(400);
    expect(missing.message).toMatch(/^400 Cannot find file file-none, or organization org-\w+ does not have access to it\.$/);
    expect(missing.error).toMatchObject({ type: "invalid_request_error", param: "file_id", code: "invalid_request" });
    expect(await failure(client.batches.retrieve("batch_none"))).toBeInstanceOf(Client.NotFoundError);
    const unknown = await failure(client.chat.completions.create({ model: "gpt-99", messages: [] }));
    expect([unknown.status, unknown.code]).toEqual([404, "model_not_found"]);
    expect(unknown.requestID).toMatch(/^req_/);
    expect((await peer.record()).billed).toEqual([]);
  });
});

it.each<[string, (string | object)[], [string, number | null, string | null]]>([
  ["nothing", [], ["empty_file", null, null]],
  ["no JSON", [chatLine("a", "x"), "{"], ["invalid_json_line", 2, null]],
  ["no id", [{ method: "POST", url: "/v1/chat/completions", body: {} }], ["missing_required_parameter", 1, "custom_id"]],
  ["an id twice", [chatLine("a", "x"), chatLine("a", "y")], ["duplicate_custom_id", 2, "custom_id"]],
  ["another endpoint", [{ ...chatLine("a", "x"), url: "/v1/embeddings" }], ["invalid_url", 1, "url"]],
  ["two models", [chatLine("a", "x"), chatLine("b", "y", "gpt-4o-mini")], ["mismatched_model", 2, "body.model"]],
  ["an unknown model", [chatLine("a", "x", "gpt-99")], ["model_not_found", 1, "body.model"]],
])("a file with %s fails its batch", async (_what, lines, [code, line, param]) => {
  const client = clientOf((await started({ models: ["gpt-4o", "gpt-4o-mini"] })).baseURL);
  const { id } = await submit(client, lines);
  await peer.advance();
  const { status, errors, output_file_id, failed_at } = await client.batches.retrieve(id);
  expect({ status, output_file_id }).toEqual({ status: "failed", output_file_id: null });
  expect(failed_at).toEqual(expect.any(Number));
  expect(errors!.data![0]).toMatchObject({ code, line, param });
});

it("takes answers, tokens and errors from a function; errors go to the error file and cost nothing", async () => {
  const { baseURL } = await started({
    answer: ({ text, customId }) =>
      customId === "c2"
        ? { error: { status: 400, code: "content_policy_violation", message: "No." } }
        : { text: text.toUpperCase(), usage: { cached: 3, output: 100, reasoning: 90 } },
  });
  const client = clientOf(baseURL);
  const { id } = await submit(client, chatLines(2));
  await peer.advance(Infinity);
  const batch = await client.batches.retrieve(id);
  expect(batch).toMatchObject({ status: "completed", request_counts: { completed: 1, failed: 1 } });
  const [bad] = await linesOf(client, batch.error_file_id);
  expect(bad).toMatchObject({
    custom_id: "c2",
    error: null,
    response: { status_code: 400, body: { error: { message: "No.", code: "content_policy_violation" } } },
  });
  const { billed } = await peer.record();
  expect(billed.map(({ customId, usage }) => [customId, usage])).toEqual([["c1", { input: 6, cached: 3, output: 100, reasoning: 90 }]]);
});

it("moves batches on by its clock and expires them after a day, with the lines done until then", async () => {
  const clock = new VirtualClock();
  const { baseURL } = await started({ clock, steps: { everyMs: 3_600_000 }, runSteps: 100 });
  const client = clientOf(baseURL);
  const { id } = await submit(client, chatLines(100));
  await clock.advance(2 * 3_600_000);
  expect(await client.batches.retrieve(id)).toMatchObject({ status: "in_progress", request_counts: { completed: 1 } });
  await clock.advance(22 * 3_600_000);
  const batch = await client.batches.retrieve(id);
  expect(batch).toMatchObject({
    status: "expired",
    expired_at: batch.expires_at,
    request_counts: { total: 100, completed: 22, failed: 0 },
  });
  expect(await linesOf(client, batch.output_file_id)).toHaveLength(22);
  const rest = await linesOf(client, batch.error_file_id);
  expect(rest).toHaveLength(78);
  expect(rest[0]).toMatchObject({ custom_id: "c23", response: null, error: { code: "batch_expired" } });
  expect((await peer.record()).billed).toHaveLength(22);
});

it("speaks as Azure does", async () => {
  const client = clientOf((await started({ azure: true })).baseURL.replace("/v1", "/openai/v1"));
  const file = await upload(client, [{ ...chatLine("a", "x"), url: "/chat/completions" }]);
  const { id } = await client.batches.create({
    input_file_id: file.id,
    endpoint: "/chat/completions" as "/v1/chat/completions",
    completion_window: "24h",
  });
  await peer.advance(Infinity);
  const batch = await client.batches.retrieve(id);
  expect(batch).toMatchObject({ status: "COMPLETED", endpoint: "/chat/completions", error_file_id: "" });
  expect((await linesOf(client, batch.output_file_id))[0]).not.toHaveProperty("id");
});
