import { LLMock } from "@copilotkit/aimock";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestYard, VirtualClock, type TestYard } from "../../src/testing/index.ts";
import { line, LOCAL, openAiRig, type OpenAiRig, type OutputLine } from "../support/openai-rig.ts";
import { startPeer, type Peer } from "../support/openai-peer/peer.ts";

/** `/v1` in front of model servers: what official clients see, and what the model servers are asked. */

const asking = (model: string, said: string): Record<string, unknown> => ({ body: { model, messages: [{ role: "user", content: said }] } });
const numbered = (count: number, model: string): string[] =>
  Array.from({ length: count }, (_, i) => line(`c${i}`, "", asking(model, `question ${i}`)));

describe("online", () => {
  let peer: Peer;
  let mock: LLMock;
  let rig: OpenAiRig;
  beforeAll(async () => {
    peer = await startPeer();
    mock = new LLMock({ port: 0 });
    mock.onMessage(/question/, { content: "a mocked answer" });
    await mock.start();
    rig = await openAiRig({
      settings: { BATCH_MAX_RETRIES: "3" },
      providers: {
        peer: { baseURL: peer.baseURL, models: ["gpt-4o", "gpt-4o-mini", "text-*"] },
        mock: { baseURL: `${mock.url}/v1`, models: ["mocked"] },
      },
    });
  });
  afterAll(() => Promise.all([rig.close(), peer.close(), mock.stop()]));
  afterEach(() => peer.faults({}));

  it("lists the models of the providers after its own", async () => {
    const ids = (await Array.fromAsync(rig.client.models.list())).map(({ id, owned_by }) => [id, owned_by]);
    expect(ids[0]).toEqual([LOCAL, "batchyard"]);
    expect(ids.slice(-3)).toEqual([
      ["gpt-4o", "peer"],
      ["gpt-4o-mini", "peer"],
      ["mocked", "mock"],
    ]);
  });

  it("answers each line by the model it names, with the upstream's own answer and usage", async () => {
    const { id } = await rig.create(numbered(200, "gpt-4o-mini"));
    const done = await rig.until(id, "completed");
    expect(done).toMatchObject({ model: "gpt-4o-mini", request_counts: { total: 200, completed: 200, failed: 0 } });
    const lines = await rig.lines(done.output_file_id);
    expect(new Set(lines.map(({ custom_id }) => custom_id)).size).toBe(200);
    const seventh = lines.find(({ custom_id }) => custom_id === "c7")!.response!;
    expect(seventh.body).toMatchObject({ object: "chat.completion", choices: [{ message: { content: "question 7" } }] });
    const { billed } = await peer.record();
    expect(billed.map(({ requestId }) => requestId)).toContain(seventh.request_id);
    expect(done.usage!.total_tokens).toBe(billed.reduce((sum, { usage }) => sum + usage.input + usage.output, 0));
  });

  it("speaks to an independent mock of the provider all the same", async () => {
    const { id } = await rig.create(numbered(20, "mocked"));
    const done = await rig.until(id, "completed");
    const lines = await rig.lines(done.output_file_id);
    expect(lines).toHaveLength(20);
    for (const { response } of lines)
      expect(response).toMatchObject({ status_code: 200, body: { choices: [{ message: { content: "a mocked answer" } }] } });
  });

  it("serves embeddings, and models that only a pattern covers", async () => {
    const lines = ["one", "two"].map((input, i) =>
      JSON.stringify({ custom_id: `e${i}`, method: "POST", url: "/v1/embeddings", body: { model: "text-embedding-3-small", input } }),
    );
    const { id } = await rig.create(lines, { endpoint: "/v1/embeddings" });
    const done = await rig.until(id, "completed");
    expect((await rig.lines(done.output_file_id)).map(({ response }) => response!.body["object"])).toEqual(["list", "list"]);
  });

  it("keeps an answer that is longer than a handler's result may be: it is paid for", async () => {
    const body = { model: "text-embedding-3-small", input: "one", dimensions: 100_000 };
    const { id } = await rig.create([JSON.stringify({ custom_id: "e", method: "POST", url: "/v1/embeddings", body })], {
      endpoint: "/v1/embeddings",
    });
    const done = await rig.until(id, "completed");
    expect(done).toMatchObject({ request_counts: { completed: 1 }, error_file_id: null });
    const [answer] = await rig.lines(done.output_file_id);
    const { data } = answer!.response!.body as unknown as { data: { embedding: number[] }[] };
    expect(data[0]!.embedding).toHaveLength(100_000);
  });

  it("puts an upstream's error into the error file as it came", async () => {
    await peer.faults({
      calls: [{ on: "chat.completions", fault: "answer", status: 400, code: "content_policy_violation", message: "No.", at: [1] }],
    });
    const { id } = await rig.create(numbered(3, "gpt-4o"));
    const done = await rig.until(id, "completed");
    expect(done.request_counts).toEqual({ total: 3, completed: 2, failed: 1 });
    const [failed] = await rig.lines(done.error_file_id);
    expect(failed).toMatchObject({
      error: null,
      response: { status_code: 400, body: { error: { code: "content_policy_violation", message: "No.", param: null } } },
    });
  });

  it("mixes models of this server and of providers where that is allowed", async () => {
    const lines = [line("a", "A lovely garden."), line("b", "", asking("gpt-4o", "hello")), line("c", "", asking("mocked", "question"))];
    const { id } = await rig.create(lines, { metadata: { allow_mixed_models: "true" } });
    const done = await rig.until(id, "completed");
    const models = (await rig.lines(done.output_file_id)).map(({ custom_id, response }) => [custom_id, response!.body["model"]]);
    expect(Object.fromEntries(models)).toEqual({ a: LOCAL, b: "gpt-4o", c: "mocked" });
  });

  it("a model that nobody serves fails the file", async () => {
    const { id } = await rig.create(numbered(1, "qwen"));
    expect((await rig.until(id, "failed")).errors!.data![0]).toMatchObject({ code: "model_not_found", line: 1 });
  });
});

describe("through the upstream's own batch API", () => {
  let peer: Peer;
  let yard: TestYard;
  beforeAll(async () => {
    peer = await startPeer({ clock: new VirtualClock(), steps: "poll", runSteps: 1 });
    yard = await createTestYard({
      providers: { peer: { baseURL: peer.baseURL, apiKey: "k", batch: true, models: ["gpt-4o"], limits: { maxLines: 40 } } },
      realMs: 60_000,
    });
  });
  afterAll(async () => {
    await yard.close();
    await peer.close();
  });

  it("cuts a file into as many upstream batches as the provider needs, and makes one output of them", async () => {
    const caller = { tenant: "default", actor: "test", role: "operator", credential: null, address: null } as const;
    const bytes = Buffer.from(numbered(100, "gpt-4o").join("\n"));
    const files = yard.parts.files("default");
    const input = await files.save(
      (async function* () {
        yield bytes;
      })(),
      { name: "in.jsonl", contentType: "application/jsonl", purpose: "batch" },
    );
    const request = { inputFileId: input.id, endpoint: "/v1/chat/completions", metadata: null, outputExpiresAfter: 86_400 };
    await yard.parts.openai.create(caller, request, { id: "batch_upstream", repeated: false });
    // Reading the file is real work, which the clock knows nothing of: it is moved on in steps until the batch has ended.
    let done = await yard.parts.openai.get(caller, "batch_upstream");
    for (let minutes = 0; minutes < 1000 && done["status"] !== "completed"; minutes++) {
      await yard.advance(60_000);
      done = await yard.parts.openai.get(caller, "batch_upstream");
    }
    expect(done).toMatchObject({ status: "completed", request_counts: { total: 100, completed: 100, failed: 0 }, error_file_id: null });
    const { stream } = await files.open(done["output_file_id"] as string);
    const lines = (await text(stream))
      .trim()
      .split("\n")
      .map((each) => JSON.parse(each) as OutputLine);
    expect(new Set(lines.map(({ custom_id }) => custom_id)).size).toBe(100);
    expect(lines[0]!.response).toMatchObject({ status_code: 200, body: { model: "gpt-4o" } });
    const { batches, calls } = await peer.record();
    expect(batches.map((batch) => batch.lines).toSorted((a, b) => a - b)).toEqual([20, 40, 40]);
    expect(calls["chat.completions"]).toBeUndefined();
  });
});

describe("a batch that is cancelled while it is at the upstream's batch API", () => {
  let peer: Peer;
  let yard: TestYard;
  beforeEach(async () => {
    peer = await startPeer({ clock: new VirtualClock(), steps: "manual" });
    yard = await createTestYard({
      providers: { peer: { baseURL: peer.baseURL, apiKey: "k", batch: true, models: ["gpt-4o"] } },
      realMs: 60_000,
    });
  });
  afterEach(async () => {
    await yard.close();
    await peer.close();
  });
  const caller = { tenant: "default", actor: "test", role: "operator", credential: null, address: null } as const;
  const id = "batch_cancelled";
  const shown = (): Promise<Record<string, unknown>> => yard.parts.openai.get(caller, id);

  /** Ten lines upstream, some of them done. */
  async function halfDone(): Promise<void> {
    const bytes = Buffer.from(numbered(10, "gpt-4o").join("\n"));
    const source = async function* (): AsyncGenerator<Buffer> {
      yield bytes;
    };
    const input = await yard.parts
      .files("default")
      .save(source(), { name: "in.jsonl", contentType: "application/jsonl", purpose: "batch" });
    const request = { inputFileId: input.id, endpoint: "/v1/chat/completions", metadata: null, outputExpiresAfter: 86_400 };
    await yard.parts.openai.create(caller, request, { id, repeated: false });
    for (let looks = 0; looks < 200 && (await peer.record()).batches.length === 0; looks++) await yard.advance(1_000);
    await peer.advance(2);
    expect((await peer.record()).billed.length).toBeGreaterThan(0);
  }

  it("stays cancelling until the upstream batch has ended, and gives what that had finished", async () => {
    await halfDone();
    expect((await yard.parts.openai.cancel(caller, id))["status"]).toBe("cancelling");
    for (let looks = 0; looks < 20 && (await peer.record()).batches[0]!.status === "in_progress"; looks++) await yard.advance(1_000);
    expect(await shown()).toMatchObject({ status: "cancelling", output_file_id: null });
    // Writing the files is real work, which the clock knows nothing of.
    for (let looks = 0; looks < 1000 && (await shown())["status"] === "cancelling"; looks++) {
      await peer.advance();
      await yard.advance(10_000);
    }
    const { billed, batches } = await peer.record();
    const done = await shown();
    expect(batches).toMatchObject([{ status: "cancelled" }]);
    expect(done).toMatchObject({
      status: "cancelled",
      request_counts: { total: 10, completed: billed.length, failed: 0 },
      completed_at: null,
    });
    expect(done["cancelled_at"]).toBeGreaterThan(done["cancelling_at"] as number);
    const { stream } = await yard.parts.files("default").open(done["output_file_id"] as string);
    expect((await text(stream)).trim().split("\n")).toHaveLength(billed.length);
    const { stream: rest } = await yard.parts.files("default").open(done["error_file_id"] as string);
    const unmade = (await text(rest)).trim().split("\n");
    expect(unmade).toHaveLength(10 - billed.length);
    expect(JSON.parse(unmade[0]!)).toMatchObject({ response: null, error: { code: "batch_cancelled" } });
    const internal = (await yard.parts.store.openai.get("default", id))!.batchId;
    expect(await yard.getBatch(internal)).toMatchObject({ status: "cancelled", succeeded_items: billed.length });
    expect(await yard.parts.store.ledger.lines("default", internal, { after: null, limit: 100 })).toHaveLength(billed.length);
  });

  it("does not wait longer than half an hour for a provider that ends nothing", async () => {
    await peer.faults({ batches: [{ fault: "cancel-slow", steps: 1000 }] });
    await halfDone();
    await yard.parts.openai.cancel(caller, id);
    await yard.advance(29 * 60_000);
    expect(await shown()).toMatchObject({ status: "cancelling" });
    await yard.advance(2 * 60_000);
    // Writing the files is real work, which the clock knows nothing of.
    for (let looks = 0; looks < 1000 && (await shown())["status"] === "cancelling"; looks++) await yard.advance(1_000);
    expect(await shown()).toMatchObject({ status: "cancelled", request_counts: { completed: 0 }, output_file_id: null });
  });
});
