import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { endChildren } from "../support/child.ts";
import { fate, numbered, resultOf } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import { CHAT, type OutputLine } from "../support/openai-rig.ts";
import { serve, TOKEN, type Served } from "../support/served.ts";

const LINES = 12_000;
/** A state may be over before it is seen; then another batch is tried. */
const TRIES = 50;

const newFolder = folders();
afterEach(endChildren);

const clientOf = (served: Served): OpenAI => new OpenAI({ baseURL: `${served.url}/v1`, apiKey: TOKEN, maxRetries: 0 });

const ITEMS = numbered(0, LINES);
const keyOf = (n: number): string => `line-${n}`;
const lines = ITEMS.map((item, n) =>
  JSON.stringify({
    custom_id: keyOf(n),
    method: "POST",
    url: CHAT,
    body: { model: "steady", messages: [{ role: "user", content: JSON.stringify(item) }] },
  }),
).join("\n");

async function create(client: OpenAI): Promise<OpenAI.Batch> {
  const file = await client.files.create({ file: new File([lines], "lines.jsonl"), purpose: "batch" });
  return client.batches.create({ input_file_id: file.id, endpoint: CHAT, completion_window: "24h" });
}

/** The batch when it fits, or when it has ended. */
async function watched(client: OpenAI, id: string, fits: (batch: OpenAI.Batch) => boolean): Promise<OpenAI.Batch> {
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (fits(batch) || ["completed", "failed", "expired", "cancelled"].includes(batch.status)) return batch;
  }
}

async function linesOf(client: OpenAI, fileId: string | null | undefined): Promise<OutputLine[]> {
  const text = await (await client.files.content(fileId!)).text();
  return text
    .trim()
    .split("\n")
    .map((each) => JSON.parse(each) as OutputLine);
}

/** Everything that was promised of a completed batch. */
async function expectWhole(client: OpenAI, batch: OpenAI.Batch): Promise<void> {
  expect([batch.status, batch.errors]).toEqual(["completed", null]);
  const output = await linesOf(client, batch.output_file_id);
  const errors = await linesOf(client, batch.error_file_id);
  const failing = Array.from({ length: LINES }, (_, n) => n).filter((n) => fate(n) === "permanent");
  expect(failing.length).toBeGreaterThan(0);
  expect(errors.map((each) => each.custom_id).sort()).toEqual(failing.map(keyOf).sort());
  for (const each of errors)
    expect(each).toMatchObject({ error: null, response: { status_code: 400, body: { error: { code: "never" } } } });
  expect(new Set(output.map((each) => each.custom_id)).size).toBe(output.length);
  expect(output.length + errors.length).toBe(LINES);
  expect(batch.request_counts).toEqual({ total: LINES, completed: output.length, failed: errors.length });
  for (const { custom_id, response } of output) {
    const n = Number(custom_id.slice("line-".length));
    const content = (response!.body as unknown as OpenAI.ChatCompletion).choices[0]!.message.content!;
    if (content !== JSON.stringify(resultOf(ITEMS[n]!))) throw new Error(`${custom_id} was answered with ${content}`);
  }
  // One file of each kind, however often they were written.
  const written = (await Array.fromAsync(client.files.list({ purpose: "batch_output" }))).filter((file) =>
    file.filename.startsWith(batch.id),
  );
  expect(written.map((file) => file.id).sort()).toEqual([batch.output_file_id!, batch.error_file_id!].sort());
}

const REACHED: Record<string, (batch: OpenAI.Batch) => boolean> = {
  validating: (batch) => batch.status === "validating",
  in_progress: (batch) => batch.status === "in_progress" && batch.request_counts!.completed > 0,
  finalizing: (batch) => batch.status === "finalizing",
};

describe("kill -9 of a server with a batch of an OpenAI client", () => {
  it.each(Object.keys(REACHED))("in %s loses no line and doubles none", async (state) => {
    const data = newFolder();
    let hit: string | null = null;
    for (let attempt = 0; hit === null && attempt < TRIES; attempt++) {
      const served = await serve(data);
      const client = clientOf(served);
      const created = await create(client);
      const seen = REACHED[state]!(created) ? created : await watched(client, created.id, REACHED[state]!);
      await served.child.end("SIGKILL");
      if (REACHED[state]!(seen)) hit = created.id;
    }
    expect(hit).not.toBeNull();
    const served = await serve(data);
    const client = clientOf(served);
    await expectWhole(client, await watched(client, hit!, () => false));
    expect((await served.child.end("SIGTERM")).code).toBe(0);
  });

  it("again and again ends all the same, and what is cancelled stays so", async () => {
    const data = newFolder();
    // Nothing is done before the first kill: what is cancelled cannot have ended by then.
    let served = await serve(data, { env: { BATCHYARD_WORKERS: "0" } });
    const kept = await create(clientOf(served));
    const cancelled = await create(clientOf(served));
    expect((await clientOf(served).batches.cancel(cancelled.id)).status).toBe("cancelling");
    for (let kill = 0; kill < 5; kill++) {
      await served.child.end("SIGKILL");
      served = await serve(data);
      const before = (await clientOf(served).batches.retrieve(kept.id)).request_counts!.completed;
      await watched(clientOf(served), kept.id, (batch) => batch.request_counts!.completed > before + LINES / 10);
    }
    const client = clientOf(served);
    await expectWhole(client, await watched(client, kept.id, () => false));
    const stopped = await watched(client, cancelled.id, () => false);
    expect(stopped.status).toBe("cancelled");
    const files = [stopped.output_file_id, stopped.error_file_id].filter((id) => typeof id === "string");
    const ids = (await Promise.all(files.map((id) => linesOf(client, id)))).flat().map((each) => each.custom_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([0, LINES]).toContain(ids.length);
    await served.child.end("SIGTERM");
  });
});
