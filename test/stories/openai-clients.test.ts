import { createReadStream, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { toFile, toStreamingFile, type OpenAI } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folders } from "../support/folder.ts";
import { gatedModel, type GatedModel } from "../support/gated-model.ts";
import { CHAT, CLIENTS, line, LOCAL, openAiRig, type OpenAiRig } from "../support/openai-rig.ts";

/** What users of the official clients do, by baseURL alone. */

const newFolder = folders();
const SECRET = `whsec_${Buffer.from("a secret of at least some length").toString("base64")}`;

describe.each(CLIENTS)("openai $version", ({ Client }) => {
  let rig: OpenAiRig;
  let client: OpenAI;
  let gated: GatedModel;
  const heard: { body: string; headers: IncomingHttpHeaders }[] = [];
  let toldOne = (): void => {};
  const sink = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      heard.push({ body: Buffer.concat(parts).toString("utf8"), headers: request.headers });
      response.writeHead(204).end();
      toldOne();
    });
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
    gated = gatedModel();
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/hook`;
    rig = await openAiRig({
      Client,
      operations: [gated.operation],
      settings: { BATCHYARD_WEBHOOK_HOSTS: "127.0.0.1:*" },
      webhooks: [
        { url, secret: SECRET },
        { url, secret: SECRET, tenant: "other" },
      ],
    });
    client = rig.client;
  });
  afterAll(async () => {
    await rig.close();
    sink.closeAllConnections();
    await new Promise((resolve) => sink.close(resolve));
  });

  it("takes a batch from a file on disk to its results", async () => {
    const path = join(newFolder(), "requests.jsonl");
    const texts = ["I love this wonderful garden chair.", "Broken blue table, what a terrible thing.", "1 2 3"];
    writeFileSync(path, texts.map((text, i) => `${line(`request-${i}`, text)}\n`).join(""));
    const file = await client.files.create({ file: createReadStream(path), purpose: "batch" });
    expect(file).toMatchObject({ object: "file", purpose: "batch", filename: "requests.jsonl", status: "processed" });
    expect(file.id).toMatch(/^file-/);
    expect(file.expires_at! - file.created_at).toBe(2_592_000);
    const created = await client.batches.create({
      input_file_id: file.id,
      endpoint: CHAT,
      completion_window: "24h",
      metadata: { nightly: "yes" },
    });
    expect(created).toMatchObject({
      object: "batch",
      status: "validating",
      request_counts: { total: 0, completed: 0, failed: 0 },
      metadata: { nightly: "yes" },
      errors: null,
      output_file_id: null,
    });
    expect(created.id).toMatch(/^batch_/);
    const done = await rig.until(created.id, "completed");
    expect(done).toMatchObject({ model: LOCAL, request_counts: { total: 3, completed: 2, failed: 1 } });

    const output = await rig.lines(done.output_file_id);
    const errors = await rig.lines(done.error_file_id);
    expect(output.map((each) => each.custom_id).sort()).toEqual(["request-0", "request-1"]);
    for (const each of output) {
      expect(each.id).toMatch(/^batch_req_/);
      expect(each.error).toBeNull();
      const completion = each.response!.body as unknown as OpenAI.ChatCompletion;
      expect(each.response!.status_code).toBe(200);
      expect(completion).toMatchObject({ object: "chat.completion", model: LOCAL, choices: [{ finish_reason: "stop" }] });
      const annotation = JSON.parse(completion.choices[0]!.message.content!) as { language: string; sentimentLabel: string };
      expect(annotation).toMatchObject({ language: "en", sentimentLabel: each.custom_id === "request-0" ? "positive" : "negative" });
    }
    expect(errors).toMatchObject([
      {
        custom_id: "request-2",
        error: null,
        response: { status_code: 400, body: { error: { code: "no_text", type: "invalid_request_error" } } },
      },
    ]);
    const usages = output.map((each) => each.response!.body.usage!);
    const sum = (name: string): number => usages.reduce((total, usage) => total + usage[name]!, 0);
    expect(done.usage).toEqual({
      input_tokens: sum("prompt_tokens"),
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: sum("completion_tokens"),
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: sum("total_tokens"),
    });
    // Seven tokens of text and one of the role, three a message, three that open the answer.
    expect(usages[output.findIndex((each) => each.custom_id === "request-0")]!["prompt_tokens"]).toBe(14);
    const written = await client.files.retrieve(done.output_file_id!);
    expect(written).toMatchObject({ purpose: "batch_output", filename: `${done.id}_output.jsonl` });
  });

  it("uploads, waits for, lists, reads and deletes files", async () => {
    const bytes = `${line("a", "ä 🎬")}\n`;
    const file = await client.files.create({ file: await toFile(Buffer.from(bytes), "ünï.jsonl"), purpose: "batch" });
    expect(file.bytes).toBe(Buffer.byteLength(bytes));
    expect(await client.files.waitForProcessing(file.id)).toMatchObject({ id: file.id, status: "processed" });
    expect(await (await client.files.content(file.id)).text()).toBe(bytes);
    const brief = await client.files.create({
      file: new File(["x"], "x.txt"),
      purpose: "user_data",
      expires_after: { anchor: "created_at", seconds: 3600 },
    });
    expect(brief.expires_at! - brief.created_at).toBe(3600);
    expect((await Array.fromAsync(client.files.list({ purpose: "user_data" }))).map((each) => each.id)).toEqual([brief.id]);
    expect(await client.files.delete(brief.id)).toEqual({ id: brief.id, object: "file", deleted: true });
    await expect(client.files.retrieve(brief.id)).rejects.toThrow(Client.NotFoundError);
    await expect(client.files.content(brief.id)).rejects.toThrow(`No such File object: ${brief.id}`);
  });

  it("pages through files that it deletes as it goes", async () => {
    for (let i = 0; i < 7; i++) await client.files.create({ file: new File(["x"], `${i}.txt`), purpose: "evals" });
    const names: string[] = [];
    for await (const file of client.files.list({ purpose: "evals", limit: 2, order: "asc" })) {
      names.push(file.filename);
      await client.files.delete(file.id);
    }
    expect(names).toEqual(["0.txt", "1.txt", "2.txt", "3.txt", "4.txt", "5.txt", "6.txt"]);
  });

  it("lists more batches than fit on a page, each once, newest first", async () => {
    const input_file_id = await rig.upload([line("a", "hello")]);
    const key = await rig.served.key("operator", "lists");
    const other = rig.as({ apiKey: key });
    // Another tenant's file: every one of these fails, and is in the list all the same.
    const created = await Promise.all(
      Array.from({ length: 105 }, () => other.batches.create({ input_file_id, endpoint: CHAT, completion_window: "24h" })),
    );
    const listed = await Array.fromAsync(other.batches.list({ limit: 50 }));
    expect(listed.map((batch) => batch.id).sort()).toEqual(created.map((batch) => batch.id).sort());
    expect(listed.map((batch) => batch.created_at)).toEqual(listed.map((batch) => batch.created_at).toSorted((a, b) => b - a));
    const page = await other.batches.list({ limit: 100 });
    expect([page.data.length, page.has_more]).toEqual([100, true]);
    const rest = await other.batches.list({ limit: 5, after: page.data.at(-1)!.id });
    expect([rest.data.length, rest.has_more]).toEqual([5, false]);
    expect((await other.batches.list()).data).toHaveLength(20);
    for (const batch of listed) {
      let failed = batch;
      while (failed.status !== "failed") failed = await other.batches.retrieve(batch.id);
      expect(failed.errors!.data).toEqual([
        { code: "invalid_request", line: null, message: `Cannot find file ${input_file_id}.`, param: "file_id" },
      ]);
    }
  });

  it("cancels a batch and keeps what it had done", async () => {
    const body = (text: string) => ({ body: { model: "gated", messages: [{ role: "user", content: text }] } });
    const lines = [
      ...Array.from({ length: 4 }, (_, i) => line(`quick-${i}`, "", body("quick"))),
      line("bad", "", body("fail")),
      line("held-1", "", body("hold")),
      line("held-2", "", body("hold")),
    ];
    const created = await rig.create(lines);
    await gated.held(2);
    await expect
      .poll(() => client.batches.retrieve(created.id))
      .toMatchObject({ status: "in_progress", request_counts: { total: 7, completed: 4, failed: 1 } });
    const cancelling = await client.batches.cancel(created.id);
    expect(cancelling.status).toBe("cancelling");
    expect(cancelling.cancelling_at).toBeTypeOf("number");
    const done = await rig.until(created.id, "cancelled");
    expect(done).toMatchObject({ request_counts: { total: 7, completed: 4, failed: 1 }, completed_at: null, finalizing_at: null });
    expect((await client.batches.cancel(created.id)).status).toBe("cancelled");
    expect((await rig.lines(done.output_file_id)).map((each) => each.custom_id).sort()).toEqual([
      "quick-0",
      "quick-1",
      "quick-2",
      "quick-3",
    ]);
    expect((await rig.lines(done.error_file_id)).sort((a, b) => (a.custom_id < b.custom_id ? -1 : 1))).toMatchObject([
      { custom_id: "bad", error: null, response: { status_code: 400, body: { error: { message: "It never works", code: "never" } } } },
      { custom_id: "held-1", response: null, error: { code: "batch_cancelled" } },
      { custom_id: "held-2", response: null, error: { code: "batch_cancelled" } },
    ]);
  });

  it("shows the models that answer", async () => {
    const models = await Array.fromAsync(client.models.list());
    expect(models.map((model) => model.id)).toEqual([LOCAL, "echo", "gated"]);
    expect(models[0]).toMatchObject({ object: "model", owned_by: "batchyard" });
  });

  it("throws the client's own classes, with every field", async () => {
    const refused = async (call: Promise<unknown>): Promise<InstanceType<typeof Client.APIError>> =>
      call.then(
        () => {
          throw new Error("it was not refused");
        },
        (error: unknown) => error as InstanceType<typeof Client.APIError>,
      );
    const viewer = await rig.served.key("viewer");
    const cases: [() => Promise<unknown>, unknown, object][] = [
      [
        () => rig.as({ apiKey: "by_wrong" }).batches.list(),
        Client.AuthenticationError,
        { status: 401, code: "invalid_api_key", param: null },
      ],
      [
        () => rig.as({ apiKey: viewer }).batches.create({ input_file_id: "f", endpoint: CHAT, completion_window: "24h" }),
        Client.PermissionDeniedError,
        { status: 403, code: "insufficient_permissions" },
      ],
      [() => client.batches.retrieve("batch_none"), Client.NotFoundError, { status: 404, param: "batch_id", code: null }],
      [() => client.files.retrieve("file-none"), Client.NotFoundError, { status: 404, param: "id", code: null }],
      [() => client.get("/nothing"), Client.NotFoundError, { status: 404, code: "unknown_url" }],
      [() => client.delete("/models"), Client.APIError, { status: 405, code: "method_not_supported" }],
      [
        () => client.batches.create({ input_file_id: "f", endpoint: "/v1/none" as typeof CHAT, completion_window: "24h" }),
        Client.BadRequestError,
        { status: 400, code: "invalid_value", param: "endpoint" },
      ],
      [() => client.batches.list({ limit: 101 }), Client.BadRequestError, { status: 400, code: "integer_above_max_value", param: "limit" }],
    ];
    for (const [call, Class, fields] of cases) {
      const error = await refused(call());
      expect(error).toBeInstanceOf(Class);
      expect(error).toMatchObject({ type: "invalid_request_error", ...fields });
      expect(error.requestID).toMatch(/^req_/);
      expect(error.headers!.get("x-should-retry")).toBe("false");
    }
    const done = await rig.create(["not json"]);
    await rig.until(done.id, "failed");
    const conflict = await refused(client.batches.cancel(done.id, { maxRetries: 2 }));
    expect(conflict).toBeInstanceOf(Client.ConflictError);
    expect(conflict.message).toContain("Cannot cancel a batch with status 'failed'.");
  });

  it("is told when batches end, in messages its unwrap accepts", async () => {
    const good = await rig.create([line("a", "A good chair")]);
    const bad = await rig.create("");
    await rig.until(good.id, "completed");
    await rig.until(bad.id, "failed");
    const ends = new Map<string, string>();
    for (let seen = 0; !(ends.has(good.id) && ends.has(bad.id)); seen++) {
      while (heard.length <= seen) await new Promise<void>((resolve) => (toldOne = resolve));
      const { body, headers } = heard[seen]!;
      const event = await client.webhooks.unwrap(body, headers, SECRET);
      expect(event).toMatchObject({
        object: "event",
        created_at: expect.any(Number) as number,
        id: expect.stringMatching(/^evt_/) as string,
      });
      await expect(client.webhooks.unwrap(`${body} `, headers, SECRET)).rejects.toThrow(/signature/i);
      ends.set((event.data as { id: string }).id, event.type);
    }
    expect([ends.get(good.id), ends.get(bad.id)]).toEqual(["batch.completed", "batch.failed"]);
  });
});

it("openai 7 uploads a stream without knowing its length", async () => {
  const rig = await openAiRig();
  try {
    const pieces = Array.from({ length: 20 }, (_, i) => `${line(`s${i}`, "hello there")}\n`);
    const stream = Readable.from(pieces.map((piece) => Buffer.from(piece)));
    const file = await rig.client.files.create({ file: toStreamingFile(stream, "stream.jsonl"), purpose: "batch" });
    expect(file).toMatchObject({ bytes: Buffer.byteLength(pieces.join("")), filename: "stream.jsonl" });
    expect(await (await rig.client.files.content(file.id)).text()).toBe(pieces.join(""));
  } finally {
    await rig.close();
  }
});
