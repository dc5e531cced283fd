import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSqliteStore } from "../store/sqlite/store.ts";
import { serve, type Served } from "./server.fixture.ts";

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served.close());

describe("idempotency", () => {
  const create = (key: string, name: string) =>
    served.send({
      method: "POST",
      url: "/api/batch/create",
      headers: { "idempotency-key": key },
      payload: { operation: "echo", name, items: [{ id: "1" }] },
    });

  it("answers a repeated request with the same text and refuses another", async () => {
    const first = await create("k-1", "n");
    const second = await create("k-1", "n");
    expect(second.text).toBe(first.text);
    expect(second.headers["idempotent-replayed"]).toBe("true");
    expect((await create("k-1", "other")).json).toMatchObject({ code: "idempotency_mismatch" });
    expect((await create("k".repeat(300), "n")).json).toMatchObject({ code: "bad_idempotency_key" });
  });

  it("creates one batch for a hundred at once", async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => create("k-100", "hundred")));
    expect(answers.every((answer) => answer.status === 201 || answer.status === 409)).toBe(true);
    expect(new Set(answers.filter((answer) => answer.status === 201).map((answer) => answer.text)).size).toBe(1);
    expect((await served.send({ method: "GET", url: "/api/batch/history?name=hundred" })).json).toMatchObject({ total: 1 });
  });

  it("compares the bytes of an upload", async () => {
    const upload = (text: string) =>
      served.send({
        method: "POST",
        url: "/api/batch/create?stream=1",
        headers: { "content-type": "application/x-ndjson", "idempotency-key": "up" },
        payload: text,
      });
    const first = await upload('{"operation":"echo"}\n{"id":"1"}');
    expect((await upload('{"operation":"echo"}\n{"id":"1"}')).text).toBe(first.text);
    expect((await upload('{"operation":"echo"}\n{"id":"2"}')).json).toMatchObject({ code: "idempotency_mismatch" });
  });

  it("finds the batch again when the answer was lost in a crash", async () => {
    const directory = mkdtempSync(join(tmpdir(), "batchyard-api-"));
    const payload = '{"operation":"echo","name":"lost","items":[{"id":"1"}]}';
    const post = {
      method: "POST" as const,
      url: "/api/batch/create",
      headers: { "idempotency-key": "lost", "content-type": "application/json" },
      payload,
    };
    const before = await serve({ directory });
    const first = await before.send(post);
    const { batch } = first.json as unknown as { batch: { id: string } };
    await before.close();
    // What a kill between the commit of the batch and the answer leaves behind: a reservation that nobody settles.
    const store = openSqliteStore({ directory, synchronous: "NORMAL" });
    const row = (await store.access.reserve(
      { tenant: "default", key: "lost", requestHash: "?", status: null, body: null, createdAt: 1 },
      0,
    ))!;
    await store.access.reserve({ ...row, key: "gone", createdAt: Date.now() - 1_000, status: null, body: "batch_1_aaaaaaaaa" }, 0);
    await store.access.reserve({ ...row, key: "kept", createdAt: Date.now() - 1_000, status: null, body: batch.id }, 0);
    await store.close();
    const after = await serve({ directory });
    const kept = await after.send({ ...post, headers: { ...post.headers, "idempotency-key": "kept" } });
    expect(kept.status).toBe(201);
    expect(kept.headers["idempotent-replayed"]).toBe("true");
    expect(kept.json).toMatchObject({ batch: { id: batch.id } });
    const gone = await after.send({ ...post, headers: { ...post.headers, "idempotency-key": "gone" } });
    expect(gone.status).toBe(201);
    expect((gone.json as unknown as { batch: { id: string } }).batch.id).not.toBe(batch.id);
    expect((await after.send({ method: "GET", url: "/api/batch/history?name=lost" })).json).toMatchObject({ total: 2 });
    await after.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it("frees the key of a request that failed", async () => {
    expect((await create("k-free", "")).status).toBe(400);
    expect((await create("k-free", "good")).status).toBe(201);
  });
});
