import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, TOKEN, type Served } from "./server.fixture.ts";

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served.close());

const items = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `k${i}`, n: i }));

describe("the life of a batch over HTTP", () => {
  it("creates, runs, and shows it in the shape of the contract", async () => {
    const answer = await served.send({
      method: "POST",
      url: "/api/batch/create",
      payload: { operation: "echo", name: "first", items: items(120), metadata: { by: "test" } },
    });
    expect(answer.status).toBe(201);
    const { batch } = answer.json as unknown as { batch: Record<string, unknown> };
    expect(batch["id"]).toMatch(/^batch_\d+_[a-z0-9]{9}$/);
    expect(batch).toMatchObject({
      operation: "echo",
      name: "first",
      total_items: 120,
      filters: {},
      priority: "normal",
      epoch: 1,
      metadata: { by: "test" },
    });
    const id = String(batch["id"]);
    await served.event("batch.completed", id);
    const shown = await served.send({ method: "GET", url: `/api/batch/${id}` });
    expect(shown.headers["x-stream-cursor"]).toMatch(/^[a-z0-9]+\.\d+$/);
    expect(shown.headers["cache-control"]).toBe("no-store");
    expect(shown.json).toMatchObject({
      success: true,
      batch: { id, status: "completed", progress: 100, processed_items: 120, succeeded_items: 120, failed_items: 0 },
    });
    const results = await served.send({ method: "GET", url: `/api/batch/${id}/results?limit=100` });
    const page = results.json as unknown as {
      batch: { results: { nodeId: string; result: unknown }[]; summary: { total: number } };
      nextCursor: string;
    };
    expect(page.batch.results).toHaveLength(100);
    expect(page.batch.summary).toMatchObject({ total: 120, successful: 120, failed: 0, qualityScore: 0.9 });
    const rest = await served.send({ method: "GET", url: `/api/batch/${id}/results?cursor=${page.nextCursor}` });
    expect((rest.json as unknown as typeof page).batch.results).toHaveLength(20);
    expect((rest.json as unknown as typeof page).nextCursor).toBeNull();
    const lines = await served.send({ method: "GET", url: `/api/batch/${id}/results`, headers: { accept: "application/x-ndjson" } });
    expect(lines.headers["content-type"]).toContain("application/x-ndjson");
    expect(lines.text.trim().split("\n")).toHaveLength(120);
  });

  it("keeps the exact text of an inline item", async () => {
    const id = await served.create({ operation: "echo", items: [] });
    await served.event("batch.completed", id);
    const raw = '{"operation":"echo","items":[{"id":"big","n":9007199254740993}]}';
    const answer = await served.send({
      method: "POST",
      url: "/api/batch/create",
      headers: { "content-type": "application/json" },
      payload: raw,
    });
    const big = (answer.json as unknown as { batch: { id: string } }).batch.id;
    const item = await served.send({ method: "GET", url: `/api/batch/${big}/items/big` });
    expect(item.text).toContain('"payload":{"id":"big","n":9007199254740993}');
  });

  it("groups errors, explains, visualises, exports, retries", async () => {
    const id = await served.create({
      operation: "echo",
      options: { retryAttempts: 0 },
      items: [{ id: "a", fail: "=cmd" }, { id: "b" }, { id: "c", fail: "=cmd" }],
    });
    await served.event("batch.completed", id);
    const errors = await served.send({ method: "GET", url: `/api/batch/${id}/errors` });
    expect(errors.json).toMatchObject({ groups: [{ error: "=cmd", count: 2, percentage: 100, examples: ["a", "c"] }] });
    const viz = await served.send({ method: "GET", url: `/api/batch/${id}/viz` });
    expect(viz.json).toMatchObject({
      visualization: {
        batchId: id,
        overview: { total: 3, successful: 1, failed: 2, pending: 0, successRate: 0.3333 },
        statusBreakdown: { succeeded: 1, failed: 2 },
      },
    });
    expect((await served.send({ method: "GET", url: `/api/batch/${id}/why` })).json).toMatchObject({
      state: "completed",
      reasons: [{ code: "done" }],
    });
    const csv = await served.send({ method: "GET", url: `/api/batch/${id}/export?format=csv` });
    expect(csv.headers["content-disposition"]).toContain(`filename="${id}.csv"`);
    expect(csv.text).toContain("'=cmd");
    const xlsx = await served.app.inject({
      method: "GET",
      url: `/api/batch/${id}/export?format=xlsx`,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(xlsx.rawPayload.subarray(0, 2).toString()).toBe("PK");
    const failures = await served.send({ method: "GET", url: `/api/batch/${id}/results?success=false` });
    expect((failures.json as unknown as { batch: { results: unknown[] } }).batch.results).toHaveLength(2);
    const retried = await served.send({ method: "POST", url: `/api/batch/${id}/retry`, payload: { nodeIds: ["a"] } });
    expect(retried.json).toMatchObject({ batch: { epoch: 2 } });
  });

  it("compares two batches, accounts for every item, shows chunks and operations", async () => {
    const a = await served.create({ operation: "echo", items: [{ id: "same" }, { id: "gone" }, { id: "new", v: 1 }] });
    const b = await served.create({ operation: "echo", items: [{ id: "same" }, { id: "new", v: 2 }, { id: "added", fail: "no" }] });
    await Promise.all([served.event("batch.completed", a), served.event("batch.completed", b)]);
    const compared = await served.send({ method: "GET", url: `/api/batch/compare?a=${a}&b=${b}` });
    expect(compared.json).toMatchObject({
      added: ["added"],
      removed: ["gone"],
      counts: { added: 1, removed: 1, changed: 1, fixed: 0, broken: 0, same: 1 },
      changed: [
        {
          nodeId: "new",
          kind: "other",
          a: { result: { v: 1 } },
          b: { result: { v: 2 } },
          changes: [{ path: "result.v", a: "1", b: "2" }],
          more: 0,
        },
      ],
      deltas: { successful: -1, failed: 1 },
    });
    const many = (fails: (i: number) => boolean) => items(30).map((item, i) => ({ ...item, ...(fails(i) ? { fail: "no" } : {}) }));
    const c = await served.create({ operation: "echo", items: many((i) => i < 10) });
    const d = await served.create({ operation: "echo", items: many((i) => i >= 8 && i < 12) });
    await Promise.all([served.event("batch.completed", c), served.event("batch.completed", d)]);
    const page = async (query: string) =>
      (await served.send({ method: "GET", url: `/api/batch/compare?a=${c}&b=${d}&brief=true&${query}` })).json as unknown as {
        changed: { nodeId: string; a?: unknown }[];
        counts: object;
      };
    const fixed = await page("kind=fixed&limit=5");
    expect(fixed.counts).toEqual({ added: 0, removed: 0, changed: 10, fixed: 8, broken: 2, same: 20 });
    const rest = await page("kind=fixed&limit=5&offset=5");
    const keys = [...fixed.changed, ...rest.changed].map(({ nodeId }) => nodeId);
    expect(keys).toEqual(Array.from({ length: 8 }, (_, i) => `k${i}`));
    expect(fixed.changed[0]).not.toHaveProperty("a");
    expect((await page("kind=broken")).changed.map(({ nodeId }) => nodeId)).toEqual(["k10", "k11"]);
    expect((await served.send({ method: "GET", url: `/api/batch/${b}/reconcile` })).json).toMatchObject({
      reconciliation: { ok: true, expected: 3, settled: 3, open: 0 },
    });
    const chunks = await served.send({ method: "GET", url: `/api/batch/${b}/chunks` });
    expect(chunks.json).toMatchObject({ chunks: [{ state: "done", items: 3, settled: 3 }] });
    const operations = (await served.send({ method: "GET", url: "/api/batch/operations" })).json as unknown as {
      operations: { name: string; options: { properties: object } }[];
    };
    expect(operations.operations.find((operation) => operation.name === "echo")?.options.properties).toHaveProperty("language");
  });

  it("replays the failed items with one payload mended: byte for byte, once under its key, audited, and found from both sides", async () => {
    const bytes = '{"id":"b", "fail":"no", "big":12345678901234567890}';
    const body = `{"operation":"echo","name":"nightly","options":{"language":"en"},"items":[{"id":"a"},${bytes},{"id":"c","fail":"nor this"}]}`;
    const made = await served.send({
      method: "POST",
      url: "/api/batch/create",
      headers: { "content-type": "application/json" },
      payload: body,
    });
    const { id } = (made.json as unknown as { batch: { id: string } }).batch;
    await served.event("batch.completed", id);
    const url = `/api/batch/${id}/replay`;
    const dry = await served.send({ method: "POST", url: `${url}?dryRun=true`, payload: { items: "failed" } });
    expect([dry.status, dry.json]).toMatchObject([200, { success: true, dryRun: true, items: 2, chunks: 1, warnings: [] }]);

    const request = { items: "failed", edits: { c: '{"id":"c","mended":true}' } };
    const post = { method: "POST", url, headers: { "idempotency-key": "replay-1" }, payload: request } as const;
    const answer = await served.send(post);
    expect(answer.status).toBe(201);
    const { batch } = answer.json as unknown as { batch: Record<string, unknown> & { id: string } };
    expect(batch).toMatchObject({
      replay_of: id,
      name: "Replay of nightly",
      total_items: 2,
      options: { language: "en" },
      operation: "echo",
    });
    expect((await served.send(post)).json).toMatchObject({ batch: { id: batch.id } });
    await served.event("batch.completed", batch.id);
    expect((await served.event("batch.created", batch.id)).data).toMatchObject({ replay_of: id });
    const sent = await served.send({ method: "GET", url: `/api/batch/${batch.id}/items/b` });
    expect(sent.text).toContain(`"payload":${bytes}`);
    const mended = await served.send({ method: "GET", url: `/api/batch/${batch.id}/results?success=true` });
    expect(mended.json).toMatchObject({ batch: { results: [{ nodeId: "c", result: { id: "c", mended: true } }] } });
    const replays = await served.send({ method: "GET", url: `/api/batch/history?replayOf=${id}` });
    expect(replays.json).toMatchObject({ total: 1, batches: [{ id: batch.id, replay_of: id }] });
    const audited = await served.yard.store.audit.list("default", { before: null, limit: 10 });
    expect(audited.filter(({ action }) => action === "batch.replay")).toMatchObject([
      { target: batch.id, after: { replayOf: id, items: 2, edited: 1 } },
    ]);

    const refused = async (payload: object, headers = {}) => (await served.send({ method: "POST", url, payload, headers })).json;
    expect(await refused({ items: ["a", "x"] })).toMatchObject({ code: "validation_failed", details: { errors: [{ path: "items.1" }] } });
    expect(await refused({ options: { language: 7 } })).toMatchObject({ details: { errors: [{ path: "options.language" }] } });
    expect(await refused({ operation: "nothing" })).toMatchObject({ code: "unknown_operation" });
    expect(await refused({ items: "some" })).toMatchObject({ code: "validation_failed" });
    expect(await refused({}, { authorization: `Bearer ${await served.key("viewer")}` })).toMatchObject({ code: "forbidden" });
    expect(await refused({}, { authorization: `Bearer ${await served.key("admin", "other")}` })).toMatchObject({ code: "batch_not_found" });
  });

  it("finishes and dry-runs", async () => {
    const id = await served.create({ operation: "echo", total_items: 2 });
    await served.send({ method: "POST", url: `/api/batch/${id}/results`, payload: { nodeId: "1", success: true } });
    expect((await served.send({ method: "POST", url: `/api/batch/${id}/finish`, payload: {} })).json).toMatchObject({
      details: { errors: [{ path: "reason", code: "required" }] },
    });
    expect((await served.send({ method: "POST", url: `/api/batch/${id}/finish`, payload: { reason: "enough" } })).json).toMatchObject({
      batch: { status: "completed", succeeded_items: 1, failed_items: 1 },
    });
    const dry = await served.send({
      method: "POST",
      url: "/api/batch/create?dryRun=true",
      payload: { operation: "echo", items: items(10) },
    });
    expect(dry.json).toMatchObject({ success: true, dryRun: true, items: 10 });
  });

  it("answers actions as the contract says", async () => {
    const id = await served.create({ operation: "echo", total_items: 3, tags: ["x"] });
    expect(
      (await served.send({ method: "POST", url: `/api/batch/${id}/pause`, headers: { "content-type": "application/json" } })).json,
    ).toMatchObject({ batch: { status: "paused" } });
    expect((await served.send({ method: "POST", url: `/api/batch/${id}/pause` })).status).toBe(409);
    expect((await served.send({ method: "POST", url: `/api/batch/${id}/resume` })).status).toBe(200);
    expect((await served.send({ method: "POST", url: `/api/batch/${id}/priority`, payload: { priority: "high" } })).json).toMatchObject({
      batch: { priority: "high" },
    });
    const recorded = await served.send({
      method: "POST",
      url: `/api/batch/${id}/results`,
      payload: [
        { nodeId: "1", success: true, durationMs: 10, qualityScore: 1 },
        { nodeId: "1", success: true },
      ],
    });
    expect(recorded.json).toMatchObject({ success: true, accepted: 1, duplicates: 1, batch: { processed_items: 1, progress: 33 } });
    expect(
      (await served.send({ method: "POST", url: `/api/batch/${id}/results`, payload: { nodeId: "2", success: true, qualityScore: 1.1 } }))
        .json,
    ).toMatchObject({
      code: "validation_failed",
      details: { errors: [{ path: "qualityScore", code: "out_of_range" }] },
    });
    const cancelled = await served.send({ method: "POST", url: `/api/batch/${id}/cancel` });
    expect(cancelled.json).toMatchObject({ success: true, message: "Batch cancelled successfully" });
    for (const gone of [id, "batch_1_aaaaaaaaa"]) {
      const again = await served.send({ method: "POST", url: `/api/batch/${gone}/cancel` });
      expect(again.status).toBe(400);
      expect(again.json).toMatchObject({ success: false, error: "Batch cannot be cancelled (not found or already completed)" });
    }
    const history = await served.send({ method: "GET", url: "/api/batch/history?tag=x&limit=1&status=cancelled" });
    expect(history.json).toMatchObject({
      count: 1,
      total: 1,
      filter: { tag: "x", limit: 1, offset: 0, status: "cancelled" },
      nextCursor: null,
    });
    const stats = (await served.send({ method: "GET", url: "/api/batch/stats" })).json as unknown as {
      stats: { total: number; byStatus: Record<string, number>; completionRate: number };
    };
    expect(stats.stats.byStatus["pending"]).toBeTypeOf("number");
    expect(stats.stats.completionRate).toBeCloseTo(stats.stats.byStatus["completed"]! / stats.stats.total, 4);
    const clean = await served.send({ method: "DELETE", url: "/api/batch/cleanup", payload: { daysToKeep: 1 } });
    expect(clean.json).toMatchObject({ success: true, deleted: 0, daysToKeep: 1 });
  });

  it("streams NDJSON in, sealed at its end", async () => {
    const lines = ['{"operation":"echo","name":"streamed"}', ...items(3_000).map((item) => JSON.stringify(item))].join("\n");
    const answer = await served.send({
      method: "POST",
      url: "/api/batch/create?stream=1",
      headers: { "content-type": "application/x-ndjson" },
      payload: lines,
    });
    expect(answer.json).toMatchObject({ success: true, batch: { name: "streamed", total_items: 3_000 } });
    const bad = await served.send({
      method: "POST",
      url: "/api/batch/create?stream=1",
      headers: { "content-type": "application/x-ndjson" },
      payload: `${lines}\n{"a":`,
    });
    expect(bad.status).toBe(400);
    expect(bad.json).toMatchObject({ code: "bad_items", details: { errors: [{ path: "line 3002", code: "bad_json" }] } });
  });

  it("serves external workers under a fence", async () => {
    const id = await served
      .create({ operation: "echo", options: { executor: "external" }, items: [{ id: "x", n: 9 }, { id: "y" }] })
      .catch((error: Error) => error.message);
    if (typeof id === "string" && !id.startsWith("batch_")) throw new Error(id);
    const leased = await served.send({ method: "POST", url: "/api/external/lease", payload: { worker: "py-1" } });
    const { chunks } = leased.json as unknown as { chunks: { chunk: number; fence: number; items: { key: string }[] }[] };
    expect(chunks).toHaveLength(1);
    const { chunk, fence, items: leasedItems } = chunks[0]!;
    expect(leasedItems.map((item) => item.key)).toEqual(["x", "y"]);
    expect(
      (
        await served.send({
          method: "POST",
          url: "/api/external/heartbeat",
          payload: {
            leases: [
              { chunk, fence },
              { chunk: 999_999, fence: 1 },
            ],
          },
        })
      ).json,
    ).toMatchObject({ held: [chunk], lost: [999_999] });
    const done = await served.send({
      method: "POST",
      url: "/api/external/results",
      payload: {
        chunk,
        fence,
        done: true,
        results: [
          { key: "x", result: { ok: 1 } },
          { key: "y", error: "no" },
        ],
      },
    });
    expect(done.json).toMatchObject({ success: true, accepted: 2 });
    await served.event("batch.completed", id);
    const late = await served.send({ method: "POST", url: "/api/external/results", payload: { chunk, fence, results: [] } });
    expect(late.status).toBe(409);
    expect(late.json).toMatchObject({ code: "lease_lost" });
  });
});

describe("limits and faults", () => {
  it("names every fault of a create request at once", async () => {
    const answer = await served.send({
      method: "POST",
      url: "/api/batch/create",
      payload: {
        operation: "echo",
        prioritty: "high",
        tenant_id: "x",
        options: { batchSise: 3, concurrency: "10", retryAttempts: 21, timeout: "5 parsecs", langage: "en" },
        items: [{}],
      },
    });
    expect(answer.status).toBe(400);
    const { details } = answer.json as unknown as { details: { errors: { path: string; code: string; message: string }[] } };
    expect(details.errors.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
      "options.batchSise unknown_field",
      "options.concurrency invalid_type",
      "options.langage unknown_field",
      "options.retryAttempts out_of_range",
      "options.timeout invalid_duration",
      "prioritty unknown_field",
      "tenant_id unknown_field",
    ]);
    expect(details.errors.find(({ path }) => path === "prioritty")?.message).toContain("did you mean 'priority'?");
  });

  it.each([
    ["that are no array", "none", ["items invalid_type"]],
    ["of which some are bad", [{ id: "a" }, 7, null], ["items.1 item_not_object", "items.2 item_not_object"]],
    ["of which one is there twice", [{ id: "a" }, { id: "a" }], ["items duplicate_key"]],
  ])("names the faults of the request beside those of items %s", async (_what, items, faults) => {
    const payload = { operation: 5, name: {}, options: { batchSize: 0 }, items };
    const answer = await served.send({ method: "POST", url: "/api/batch/create", payload });
    expect(answer.status).toBe(400);
    const { details } = answer.json as unknown as { details: { errors: { path: string; code: string }[] } };
    expect(details.errors.map(({ path, code }) => `${path} ${code}`).sort()).toEqual(
      [...faults, "name invalid_type", "operation invalid_type", "options.batchSize out_of_range"].sort(),
    );
  });

  it("limits creations, with Retry-After", async () => {
    const limited = await serve({ limits: { createPerMinute: 2 } });
    const create = () => limited.send({ method: "POST", url: "/api/batch/create", payload: { operation: "echo", items: [] } });
    expect([(await create()).status, (await create()).status]).toEqual([201, 201]);
    const third = await create();
    expect(third.json).toMatchObject({ code: "rate_limited" });
    expect(third.status).toBe(429);
    expect(Number(third.headers["retry-after"])).toBeGreaterThan(0);
    expect((await limited.send({ method: "GET", url: "/api/batch/stats" })).status).toBe(200);
    await limited.close();
  });

  it("takes a file as the input of a batch and a gzip upload, and refuses packings it does not know", async () => {
    const lines = '{"operation":"echo"}\n{"id":"1"}\n{"id":"2"}\n';
    const upload = (encoding: string, payload: string | Buffer) =>
      served.send({
        method: "POST",
        url: "/api/batch/create?stream=1",
        headers: { "content-type": "application/x-ndjson", "content-encoding": encoding },
        payload,
      });
    expect((await upload("gzip", gzipSync(lines))).json).toMatchObject({ batch: { total_items: 2 } });
    expect((await upload("br", brotliCompressSync(lines))).status).toBe(415);
    const file = await served.send({
      method: "POST",
      url: "/api/files?filename=rows.csv",
      headers: { "content-type": "text/csv" },
      payload: "id,name\n1,x\n2,y\n",
    });
    const { id } = (file.json as unknown as { file: { id: string } }).file;
    const batch = await served.create({ operation: "echo", input: { file_id: id } });
    await served.event("batch.completed", batch);
    expect((await served.send({ method: "GET", url: `/api/batch/${batch}` })).json).toMatchObject({
      batch: { total_items: 2, input: { file_id: id } },
    });
  });
});
