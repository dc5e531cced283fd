import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { OpenAI } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TOKEN } from "../../src/api/server.fixture.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { ask, type Answer, type Asked } from "../support/ask.ts";
import { gatedModel, type GatedModel } from "../support/gated-model.ts";
import { CHAT, line, LOCAL, openAiRig, type OpenAiRig } from "../support/openai-rig.ts";

/** Every refusal and every state of /v1 as its contract has them. */

let rig: OpenAiRig;
let client: OpenAI;
let gated: GatedModel;

beforeAll(async () => {
  gated = gatedModel();
  rig = await openAiRig({ operations: [gated.operation], limits: { uploadBytes: 8_000_000 } });
  client = rig.client;
});
afterAll(() => rig.close());

const raw = (asked: Asked): Promise<Answer> => ask(rig.url, { ...asked, headers: { authorization: `Bearer ${TOKEN}`, ...asked.headers } });
const errorOf = (answer: Answer): Record<string, unknown> => (JSON.parse(answer.text) as { error: Record<string, unknown> }).error;
const JSON_TYPE = { "content-type": "application/json" };
/** A text stands for itself, from its start to its end. */
const pattern = (message: string | RegExp): RegExp =>
  typeof message === "string" ? new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`) : message;
const pairs = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));

describe("create refuses at once", () => {
  const good = { input_file_id: "file-1", endpoint: CHAT, completion_window: "24h" };
  it.each([
    ["no endpoint", { endpoint: undefined }, "missing_required_parameter", "endpoint", "Missing required parameter: 'endpoint'."],
    [
      "no file",
      { input_file_id: undefined },
      "missing_required_parameter",
      "input_file_id",
      "Missing required parameter: 'input_file_id'.",
    ],
    [
      "no window",
      { completion_window: undefined },
      "missing_required_parameter",
      "completion_window",
      "Missing required parameter: 'completion_window'.",
    ],
    [
      "an unknown endpoint",
      { endpoint: "/v1/chats" },
      "invalid_value",
      "endpoint",
      /^Invalid value: '\/v1\/chats'\. Supported values are: /,
    ],
    ["another window", { completion_window: "1h" }, "invalid_value", "completion_window", "Invalid value: '1h'. Value must be '24h'."],
    ["a file id that is a number", { input_file_id: 7 }, "invalid_type", "input_file_id", /expected a string, but got an integer/],
    ["metadata that is a list", { metadata: ["a"] }, "invalid_type", "metadata", /expected an object, but got an array/],
    ["17 pairs", { metadata: pairs(17) }, "invalid_type", "metadata", /at most 16/],
    ["a key of 65 characters", { metadata: { ["k".repeat(65)]: "v" } }, "invalid_type", "metadata", /at most 64/],
    ["a value of 513 characters", { metadata: { a: "v".repeat(513) } }, "invalid_type", "metadata.a", /at most 512/],
    ["a value that is a number", { metadata: { a: 1 } }, "invalid_type", "metadata.a", /expected a string, but got an integer/],
    ["a parameter nobody knows", { priority: "high" }, "unknown_parameter", "priority", "Unknown parameter: 'priority'."],
    [
      "files kept for a minute",
      { output_expires_after: { anchor: "created_at", seconds: 60 } },
      "integer_below_min_value",
      "output_expires_after.seconds",
      /Expected a value >= 3600, but got 60/,
    ],
    [
      "files kept from another time on",
      { output_expires_after: { anchor: "now", seconds: 3600 } },
      "invalid_value",
      "output_expires_after.anchor",
      /Value must be 'created_at'/,
    ],
  ] as const)("%s", async (_, change, code, param, message) => {
    const before = (await client.batches.list({ limit: 1 })).data[0]?.id;
    const answer = await raw({ method: "POST", path: "/v1/batches", headers: JSON_TYPE, body: JSON.stringify({ ...good, ...change }) });
    expect([answer.status, Object.keys(errorOf(answer)).sort()]).toEqual([400, ["code", "message", "param", "type"]]);
    expect(errorOf(answer)).toMatchObject({ type: "invalid_request_error", code, param });
    expect(errorOf(answer)["message"]).toEqual(expect.stringMatching(pattern(message)));
    expect(answer.headers["x-should-retry"]).toBe("false");
    expect((await client.batches.list({ limit: 1 })).data[0]?.id).toBe(before);
  });

  it("takes metadata at its limits, and null", async () => {
    const metadata = { ...pairs(15), ["k".repeat(64)]: "v".repeat(512) };
    expect((await rig.create([line("a", "x")], { metadata })).metadata).toEqual(metadata);
    expect((await rig.create([line("a", "x")], { metadata: null })).metadata).toBeNull();
  });
});

describe("faults of the file fail the batch", () => {
  const messages = [{ role: "user", content: "x" }];
  const body = (change: Record<string, unknown>) => ({ body: { model: LOCAL, messages, ...change } });
  const unique =
    "The custom_id for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.";
  it.each([
    ["invalid_json_line", null, "This line is not parseable as valid JSON.", "{nope"],
    ["invalid_json_line", null, "This line is not parseable as valid JSON.", "[1]"],
    ["missing_required_parameter", "custom_id", "Missing required parameter: 'custom_id'.", line("a", "x", { custom_id: undefined })],
    ["missing_required_parameter", "method", "Missing required parameter: 'method'.", line("a", "x", { method: undefined })],
    ["missing_required_parameter", "url", "Missing required parameter: 'url'.", line("a", "x", { url: undefined })],
    ["missing_required_parameter", "body", "Missing required parameter: 'body'.", line("a", "x", { body: undefined })],
    ["invalid_type", "custom_id", /expected a string, but got an integer/, line("a", "x", { custom_id: 7 })],
    ["invalid_value", "custom_id", /1 to 512 characters/, line("a\u0000b", "x")],
    ["invalid_value", "custom_id", /1 to 512 characters/, line("a".repeat(513), "x")],
    ["invalid_value", "method", /only 'POST'/, line("a", "x", { method: "GET" })],
    [
      "invalid_url",
      "url",
      "The URL provided for this request does not match the batch endpoint.",
      line("a", "x", { url: "/v1/embeddings" }),
    ],
    ["duplicate_custom_id", "custom_id", unique, line("first", "x")],
    [
      "model_not_found",
      "body.model",
      "The provided model 'gpt-none' is not supported by the Batch API.",
      line("a", "x", body({ model: "gpt-none" })),
    ],
    ["invalid_request", "body.model", "Model parameter is required.", line("a", "x", { body: { messages } })],
    ["invalid_request", "body.messages", "Messages parameter is required.", line("a", "x", { body: { model: LOCAL } })],
    [
      "streaming_unsupported",
      "body.stream",
      "Chat Completions: Streaming is not supported in the Batch API.",
      line("a", "x", body({ stream: true })),
    ],
    ["mismatched_model", "body.model", /'echo' does not match the model 'batchyard-local'/, line("a", "x", body({ model: "echo" }))],
    // Read it can be, but not written again: a provider that is asked with it would seem to be down.
    [
      "too_deep",
      null,
      "This line is nested more than 64 levels deep.",
      line("a", "x", body({ extra: "deep" })).replace('"deep"', `${"[".repeat(200_000)}${"]".repeat(200_000)}`),
    ],
  ] as const)("%s of %s: %s", async (code, param, message, bad) => {
    const created = await rig.create(`${line("first", "x")}\n\n${bad}\n`);
    const failed = await rig.until(created.id, "failed");
    expect(failed.errors).toEqual({
      object: "list",
      data: [{ code, param, message: expect.stringMatching(pattern(message)), line: 3 }],
    });
    expect(failed).toMatchObject({
      request_counts: { total: 0, completed: 0, failed: 0 },
      output_file_id: null,
      error_file_id: null,
      usage: null,
    });
  });

  it.each([
    ["an empty file", "", "empty_file", null, "The input file is empty. Please ensure that the batch contains at least one request."],
    [
      "blank lines only",
      "\n\n  \n",
      "empty_file",
      null,
      "The input file is empty. Please ensure that the batch contains at least one request.",
    ],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff, 0x0a]), "invalid_file", null, /UTF-8/],
  ] as const)("%s", async (_, content, code, param, message) => {
    const file = await client.files.create({ file: new File([content], "f.jsonl"), purpose: "batch" });
    const created = await client.batches.create({ input_file_id: file.id, endpoint: CHAT, completion_window: "24h" });
    expect((await rig.until(created.id, "failed")).errors!.data).toEqual([
      { code, line: null, param, message: expect.stringMatching(pattern(message)) },
    ]);
  });

  it("a file that is not there, is removed, or is for something else", async () => {
    const removed = await rig.upload([line("a", "x")]);
    await client.files.delete(removed);
    const other = (await client.files.create({ file: new File(["x"], "x"), purpose: "vision" })).id;
    for (const [id, message] of [
      ["file-none", "Cannot find file file-none."],
      [removed, `Cannot find file ${removed}.`],
      [other, expect.stringContaining("uploaded for 'vision'")],
    ] as const) {
      const created = await client.batches.create({ input_file_id: id, endpoint: CHAT, completion_window: "24h" });
      expect((await rig.until(created.id, "failed")).errors!.data).toEqual([
        { code: "invalid_request", line: null, param: "file_id", message },
      ]);
    }
  });

  it("are all named, with their lines; past a hundred, their number", async () => {
    const created = await rig.create([line("a", "x"), "nope", line("a", "x", { method: undefined, url: "/v1/other" })]);
    const { data } = (await rig.until(created.id, "failed")).errors!;
    expect(data!.map((each) => [each.line, each.code])).toEqual([
      [2, "invalid_json_line"],
      [3, "missing_required_parameter"],
      [3, "invalid_url"],
      [3, "duplicate_custom_id"],
    ]);
    const many = await rig.create(Array.from({ length: 130 }, () => "nope"));
    const faults = (await rig.until(many.id, "failed")).errors!.data!;
    expect(faults).toHaveLength(101);
    expect(faults[99]).toMatchObject({ line: 100, code: "invalid_json_line" });
    expect(faults[100]).toEqual({
      code: "too_many_errors",
      line: null,
      param: null,
      message: "There are 30 more errors; only the first 100 are listed.",
    });
  });

  it("more lines than a batch may have", async () => {
    const created = await rig.create(Array.from({ length: 50_001 }, (_, i) => line(`${i}`, "x")));
    expect((await rig.until(created.id, "failed")).errors!.data).toMatchObject([{ code: "too_many_requests", line: null }]);
  });

  it("but not several models when the metadata allows them, nor odd ids and lines that end by CRLF", async () => {
    const odd = 'é 🎬 "quoted" {x}';
    const lines = [
      line("a", "one"),
      line("b", "two", { body: { model: "echo", messages: [{ role: "user", content: '{"two":2}' }] } }),
      line(odd, "three"),
    ];
    const created = await rig.create(`\ufeff${lines.join("\r\n")}`, { metadata: { allow_mixed_models: "true" } });
    const done = await rig.until(created.id, "completed");
    expect(done).toMatchObject({ model: null, request_counts: { total: 3, completed: 3, failed: 0 }, error_file_id: null });
    const output = new Map((await rig.lines(done.output_file_id)).map((each) => [each.custom_id, each]));
    expect([...output.keys()].sort()).toEqual(["a", "b", odd].sort());
    expect(output.get("b")!.response!.body).toMatchObject({ model: "echo", choices: [{ message: { content: '{"two":2}' } }] });
  });
});

describe("states", () => {
  const stamps = (batch: OpenAI.Batch): string[] =>
    (["in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at", "cancelling_at", "cancelled_at"] as const).filter(
      (name) => typeof batch[name] === "number",
    );
  const gatedLine = (id: string, text: string): string =>
    line(id, "", { body: { model: "gated", messages: [{ role: "user", content: text }] } });

  it("failed, completed (also when every line failed) and in progress have their stamps", async () => {
    const failed = await rig.create("nope");
    expect(stamps(await rig.until(failed.id, "failed"))).toEqual(["failed_at"]);
    const created = await rig.create([gatedLine("a", "fail"), gatedLine("b", "fail")]);
    expect([created.status, stamps(created), created.expires_at! - created.created_at]).toEqual(["validating", [], 86_400]);
    const completed = await rig.until(created.id, "completed");
    expect(stamps(completed)).toEqual(["in_progress_at", "finalizing_at", "completed_at"]);
    expect(completed).toMatchObject({
      request_counts: { total: 2, completed: 0, failed: 2 },
      output_file_id: null,
      usage: { total_tokens: 0 },
    });
    expect((await rig.lines(completed.error_file_id)).map((each) => each.custom_id).sort()).toEqual(["a", "b"]);
    const held = await rig.create([gatedLine("held", "hold")]);
    await gated.held(1);
    const running = await rig.until(held.id, "in_progress");
    expect([running.status, stamps(running), running.request_counts]).toEqual([
      "in_progress",
      ["in_progress_at"],
      { total: 1, completed: 0, failed: 0 },
    ]);
    expect(stamps(await client.batches.cancel(held.id))).toEqual(["in_progress_at", "cancelling_at"]);
    expect(stamps(await rig.until(held.id, "cancelled"))).toEqual(["in_progress_at", "cancelling_at", "cancelled_at"]);
    for (const id of [failed.id, completed.id]) {
      const answer = await raw({ method: "POST", path: `/v1/batches/${id}/cancel` });
      expect([answer.status, answer.headers["x-should-retry"]]).toEqual([409, "false"]);
    }
  });

  it("expired at its time: what was done is kept, the rest says why", async () => {
    const clock = new VirtualClock();
    const model = gatedModel();
    const timed = await openAiRig({ clock, operations: [model.operation], settings: { BATCH_MAX_RETRIES: "3" } });
    try {
      const created = await timed.create([gatedLine("done", "quick"), gatedLine("bad", "fail"), gatedLine("late", "hold")]);
      await model.held(1);
      // Checkpoints are written every second of this clock.
      await clock.advance(3_000);
      expect((await timed.client.batches.retrieve(created.id)).request_counts).toEqual({ total: 3, completed: 1, failed: 1 });
      await clock.skipTo(created.expires_at! * 1000 - 2_000);
      expect((await timed.client.batches.retrieve(created.id)).status).toBe("in_progress");
      await clock.advance(4_000);
      const expired = await timed.until(created.id, "expired");
      expect(stamps(expired)).toEqual(["in_progress_at", "finalizing_at", "expired_at"]);
      expect(expired.expired_at).toBeGreaterThanOrEqual(created.expires_at!);
      expect(expired.request_counts).toEqual({ total: 3, completed: 1, failed: 1 });
      expect((await timed.lines(expired.output_file_id)).map((each) => each.custom_id)).toEqual(["done"]);
      expect(await timed.lines(expired.error_file_id)).toMatchObject([
        { custom_id: "bad", error: null, response: { status_code: 400 } },
        {
          custom_id: "late",
          response: null,
          error: { code: "batch_expired", message: expect.stringContaining("completion window") as string },
        },
      ]);
      const conflict = await ask(timed.url, {
        method: "POST",
        path: `/v1/batches/${created.id}/cancel`,
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      expect(conflict.status).toBe(409);
    } finally {
      model.open();
      await timed.close();
    }
  });

  it("cancelled through another door is cancelled here", async () => {
    // Its line may be there before the answer is.
    const before = gated.waiting.length;
    const created = await rig.create([gatedLine("x", "hold")]);
    await gated.held(before + 1);
    const row = (await rig.served.yard.store.openai.get("default", created.id))!;
    expect((await raw({ method: "POST", path: `/api/batch/${row.batchId}/cancel`, headers: JSON_TYPE })).status).toBe(200);
    const done = await rig.until(created.id, "cancelled");
    expect((await rig.lines(done.error_file_id)).map((each) => [each.custom_id, each.error?.code])).toEqual([["x", "batch_cancelled"]]);
  });
});

describe("the same request again", () => {
  const create = (input_file_id: string, headers: Record<string, string>): Promise<OpenAI.Batch> =>
    client.batches.create({ input_file_id, endpoint: CHAT, completion_window: "24h", metadata: { b: "2", a: "1" } }, { headers });

  it("under one Idempotency-Key makes one batch, another request under it 409", async () => {
    const file = await rig.upload([line("a", "x")]);
    const first = await create(file, { "Idempotency-Key": "once" });
    expect((await create(file, { "Idempotency-Key": "once" })).id).toBe(first.id);
    expect((await create(file, { "Idempotency-Key": "twice" })).id).not.toBe(first.id);
    await expect(create("file-other", { "Idempotency-Key": "once" })).rejects.toMatchObject({ status: 409, code: "idempotency_mismatch" });
  });

  it("sent by the client itself within ten minutes makes one batch", async () => {
    const file = await rig.upload([line("a", "x")]);
    const retry = { "x-stainless-retry-count": "1" };
    const first = await create(file, retry);
    expect((await create(file, retry)).id).toBe(first.id);
    expect((await create(file, { "x-stainless-retry-count": "0" })).id).not.toBe(first.id);
    expect((await create(await rig.upload([line("a", "x")]), retry)).id).not.toBe(first.id);
    const other = rig.as({ apiKey: await rig.served.key("operator") });
    const theirs = await other.batches.create(
      { input_file_id: file, endpoint: CHAT, completion_window: "24h", metadata: { b: "2", a: "1" } },
      { headers: retry },
    );
    expect(theirs.id).not.toBe(first.id);
  });
});

describe("HTTP", () => {
  const part = (name: string, value: string, file = ""): string =>
    `--x\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
  const form = (...parts: string[]): Pick<Asked, "headers" | "body"> => ({
    headers: { "content-type": "multipart/form-data; boundary=x" },
    body: `${parts.join("")}--x--\r\n`,
  });
  const FILE = part("file", "bytes", '; filename="f.jsonl"');
  const upload = (...parts: string[]): Promise<Answer> => raw({ method: "POST", path: "/v1/files", ...form(...parts) });

  it("takes the fields of an upload in any order", async () => {
    for (const parts of [
      [part("purpose", "batch"), FILE],
      [FILE, part("purpose", "batch")],
      [part("expires_after[anchor]", "created_at"), FILE, part("purpose", "batch"), part("expires_after[seconds]", "7200")],
    ]) {
      const answer = await upload(...parts);
      expect(answer.status).toBe(200);
      const file = JSON.parse(answer.text) as OpenAI.FileObject;
      expect(file).toMatchObject({ purpose: "batch", bytes: 5, status: "processed" });
      expect(file.expires_at! - file.created_at).toBe(parts.length > 2 ? 7200 : 2_592_000);
    }
  });

  it.each([
    ["no purpose", [FILE], 400, "missing_required_parameter", "purpose"],
    ["no file", [part("purpose", "batch")], 400, "missing_required_parameter", "file"],
    ["another purpose", [FILE, part("purpose", "fun")], 400, "invalid_value", "purpose"],
    ["a field nobody knows", [FILE, part("purpose", "batch"), part("color", "red")], 400, "unknown_parameter", "color"],
    ["two files", [FILE, part("purpose", "batch"), FILE], 400, "invalid_value", "file"],
    [
      "a second's expiry",
      [FILE, part("purpose", "batch"), part("expires_after[anchor]", "created_at"), part("expires_after[seconds]", "1")],
      400,
      "integer_below_min_value",
      "expires_after.seconds",
    ],
    [
      "an expiry without its length",
      [FILE, part("purpose", "batch"), part("expires_after[anchor]", "created_at")],
      400,
      "missing_required_parameter",
      "expires_after.seconds",
    ],
    ["a file beyond the limit", [part("file", "x".repeat(8_000_001), '; filename="f"'), part("purpose", "batch")], 413, "too_large", null],
  ] as const)("an upload with %s is refused and leaves nothing", async (_, parts, status, code, param) => {
    const before = await Array.fromAsync(client.files.list());
    const answer = await upload(...parts);
    expect([answer.status, errorOf(answer)]).toMatchObject([status, { code, param, type: "invalid_request_error" }]);
    expect(await Array.fromAsync(client.files.list())).toEqual(before);
  });

  it("takes empty bodies of JSON on cancel and DELETE", async () => {
    const created = await rig.create("nope");
    await rig.until(created.id, "failed");
    const file = await rig.upload("x");
    expect((await raw({ method: "POST", path: `/v1/batches/${created.id}/cancel`, headers: JSON_TYPE })).status).toBe(409);
    expect((await raw({ method: "DELETE", path: `/v1/files/${file}`, headers: JSON_TYPE })).status).toBe(200);
  });

  it.each([
    ["JSON that is none", { method: "POST", path: "/v1/batches", headers: JSON_TYPE, body: "{" }, 400, "invalid_json"],
    ["an empty body", { method: "POST", path: "/v1/batches", headers: JSON_TYPE, body: "" }, 400, "invalid_type"],
    [
      "another type",
      { method: "POST", path: "/v1/batches", headers: { "content-type": "text/plain" }, body: "{}" },
      415,
      "unsupported_type",
    ],
    ["no form", { method: "POST", path: "/v1/files", headers: JSON_TYPE, body: "{}" }, 415, "unsupported_type"],
    ["an unknown address", { path: "/v1/fine_tuning/jobs" }, 404, "unknown_url"],
    ["an unknown address below /v1", { method: "POST", path: "/v1" }, 404, "unknown_url"],
    ["another method", { method: "PUT", path: "/v1/batches" }, 405, "method_not_supported"],
    ["no key", { path: "/v1/models", headers: { authorization: "" } }, 401, "invalid_api_key"],
    ["a bad page size", { path: "/v1/batches?limit=0" }, 400, "integer_below_min_value"],
    ["a page size that is no number", { path: "/v1/batches?limit=many" }, 400, "invalid_type"],
    ["a page after nothing", { path: "/v1/batches?after=batch_none" }, 400, "invalid_value"],
    ["files after nothing", { path: "/v1/files?after=file-none" }, 400, "invalid_value"],
    ["another order", { path: "/v1/files?order=up" }, 400, "invalid_value"],
    ["more files than a page holds", { path: "/v1/files?limit=10001" }, 400, "integer_above_max_value"],
    ["a parameter nobody knows", { path: "/v1/batches?color=red" }, 400, "unknown_parameter"],
  ] as const)("answers %s in OpenAI's envelope", async (_, asked, status, code) => {
    const answer = await raw(asked);
    const error = errorOf(answer);
    expect([answer.status, error["code"], error["type"]]).toEqual([status, code, "invalid_request_error"]);
    expect(Object.keys(error).sort()).toEqual(["code", "message", "param", "type"]);
    expect(answer.headers["x-request-id"]).toMatch(/^req_/);
    expect(answer.headers["x-should-retry"]).toBe("false");
  });

  it("asks who is too fast to wait no longer than a minute, and to come again", async () => {
    const slow = await openAiRig({ limits: { createPerMinute: 1 } });
    try {
      const send = (): Promise<Answer> =>
        ask(slow.url, { method: "POST", path: "/v1/batches", headers: { ...JSON_TYPE, authorization: `Bearer ${TOKEN}` }, body: "{}" });
      await send();
      const refused = await send();
      expect([refused.status, errorOf(refused)]).toMatchObject([429, { code: "rate_limit_exceeded", type: "requests", param: null }]);
      expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(1);
      expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(60);
      expect(refused.headers["x-should-retry"]).toBe("true");
    } finally {
      await slow.close();
    }
  });

  it("an upload that breaks off leaves nothing", async () => {
    const before = await Array.fromAsync(client.files.list());
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${part("purpose", "batch")}--x\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nhalf a li`);
      throw new Error("the client is gone");
    };
    await expect(
      raw({ method: "POST", path: "/v1/files", headers: { "content-type": "multipart/form-data; boundary=x" }, body: broken() }),
    ).rejects.toThrow(/hang up|reset|aborted|closed/i);
    // The server notices in its own time; then the bytes that had come are gone too.
    const incoming = join(rig.served.yard.config.data, "files", "incoming");
    while (readdirSync(incoming).length > 0) await turn();
    expect(await Array.fromAsync(client.files.list())).toEqual(before);
  });
});
