import { createServer } from "node:http";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, TOKEN } from "../../src/api/server.fixture.ts";
import { ask, type Answer, type Asked, askRaw, formed } from "../support/ask.ts";
import { attacked, type Attacked } from "../support/attacked.ts";
import { GUARDED } from "../support/guarded-routes.ts";

/** What comes in reaches nothing beside its own data: no prototype, no other file, no log, no other server. */

let target: Attacked;
beforeAll(async () => {
  target = await attacked();
});
afterAll(() => target.close());

const send = (asked: Asked): Promise<Answer> => target.send(asked);
const post = (path: string, body: unknown): Promise<Answer> => target.post(path, body);
const completed = (body: Record<string, unknown>): Promise<string> => target.completed(body);

describe("prototypes", () => {
  it("are the same after every route was fed with their names", async () => {
    const before = [Object.prototype, Array.prototype, Function.prototype].map((prototype) => Object.getOwnPropertyNames(prototype));
    const poisons = [
      '{"__proto__":{"polluted":1}}',
      '{"constructor":{"prototype":{"polluted":1}}}',
      '{"a":{"__proto__":{"polluted":1}}}',
      '[{"__proto__":{"polluted":1}}]',
      '{"items":[{"__proto__":{"polluted":1}}],"operation":"echo"}',
      '{"operation":"transform","options":{"expression":"$merge([$, {\\"__proto__\\": {\\"polluted\\": 1}}])"},"items":[{"id":"1"}]}',
    ];
    let sent = 0;
    for (const name of Object.keys(GUARDED)) {
      const [method, path] = name.split(" ") as [string, string];
      if (method === "GET" || path === "/api/session/logout") continue;
      for (const body of poisons) {
        const answer = await send({
          method,
          path: path.replace(/\{\w+\}/g, "__proto__"),
          headers: { "content-type": "application/json" },
          body,
        });
        expect([name, answer.status < 500]).toEqual([name, true]);
        sent += 1;
      }
    }
    expect(sent).toBeGreaterThan(100);
    const transform = await completed({
      operation: "transform",
      options: { expression: '$merge([$, {"__proto__": {"polluted": 1}}])' },
      items: [{ id: "1" }],
    });
    await send({ path: `/api/batch/${transform}/results` });
    await completed({
      operation: "import",
      options: { collection: "poison" },
      input: { file_id: await fileOf('{"id":"1","__proto__":{"polluted":1}}\n{"id":"2","constructor":{"prototype":{"polluted":1}}}\n') },
    });
    await send({ path: "/api/collections/poison" });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect([Object.prototype, Array.prototype, Function.prototype].map((prototype) => Object.getOwnPropertyNames(prototype))).toEqual(
      before,
    );
  });

  async function fileOf(text: string): Promise<string> {
    const { file } = JSON.parse(
      (
        await send({
          method: "POST",
          path: "/api/files?filename=rows.jsonl",
          headers: { "content-type": "application/x-ndjson" },
          body: text,
        })
      ).text,
    ) as { file: { id: string } };
    return file.id;
  }
});

describe("paths", () => {
  it("of names and ids lead nowhere: nothing appears or goes outside the data directory", async () => {
    const outside = (): string[] => readdirSync(target.around).concat(readdirSync(tmpdir()).filter((name) => name.includes("escaped")));
    const before = outside();
    const steps = [
      "../escaped",
      "../../escaped",
      "..%2f..%2fescaped",
      "%2e%2e%2f%2e%2e%2fescaped",
      "....//escaped",
      "..\\escaped",
      "/tmp/escaped",
      "file:///tmp/escaped",
      "escaped%00.csv",
      "~/escaped",
      "CON",
      ".",
    ];
    for (const step of steps) {
      await send({
        method: "POST",
        path: `/api/files?filename=${encodeURIComponent(step)}`,
        headers: { "content-type": "text/csv" },
        body: "id\n1\n",
      });
      await send({
        method: "POST",
        path: "/api/files",
        headers: { "content-type": "multipart/form-data; boundary=b" },
        body: `--b\r\ncontent-disposition: form-data; name="f"; filename="${step}"\r\n\r\nx\r\n--b--\r\n`,
      });
      await post("/api/batch/create", { operation: "export", name: step, input: { file_id: step }, options: { format: "csv" } });
      await post("/api/batch/create", { operation: "import", options: { collection: step }, items: [{ id: "1" }] });
      for (const path of [
        `/api/files/${step}`,
        `/api/files/${step}/content`,
        `/api/files/${encodeURIComponent(step)}/content`,
        `/${step}`,
        `/docs/${step}`,
      ]) {
        const answer = await send({ path });
        expect([path, answer.status]).toEqual([path, 404]);
        expect([path, (await send({ method: "DELETE", path })).status >= 400]).toEqual([path, true]);
      }
    }
    expect(outside()).toEqual(before);
    const kept = readdirSync(join(target.around, "data"), { recursive: true }).map(String);
    expect(kept.filter((name) => name.includes("escaped"))).toEqual([]);
  });
});

describe("logs and errors", () => {
  const CANARY = "canary-7f3a9c-secret";

  it("hold no secret, wherever it was sent", async () => {
    const asks: Asked[] = [
      { path: "/api/session", headers: { authorization: `Bearer ${CANARY}` } },
      { path: "/api/session", headers: { authorization: `Basic ${CANARY}` } },
      { path: "/api/session", headers: { authorization: "", cookie: `batchyard_session=${CANARY}` } },
      { path: `/api/session?token=${CANARY}` },
      { path: `/signin?token=${CANARY}`, headers: { authorization: "" } },
      { path: "/api/session", headers: { "x-api-key": CANARY, "x-request-id": `${CANARY} with a blank` } },
      { method: "POST", ...formed("/api/batch/create", { operation: "echo", password: CANARY, items: [] }) },
      { method: "POST", ...formed("/api/batch/create", { operation: "echo", options: { apiKey: CANARY }, items: [] }) },
      { method: "POST", path: "/api/batch/create", headers: { "content-type": "application/json", "idempotency-key": CANARY }, body: "{" },
      {
        method: "POST",
        path: "/signin",
        headers: { host: "localhost", origin: "http://localhost", "content-type": "application/x-www-form-urlencoded" },
        body: `key=${CANARY}`,
      },
      { method: "POST", path: "/api/files?filename=x.csv", headers: { "content-type": CANARY }, body: "x" },
    ];
    for (const asked of asks) expect((await send(asked)).status).toBeLessThan(500);
    await completed({
      operation: "echo",
      options: { retryAttempts: 0 },
      items: [{ id: "1", token: CANARY, fail: `refused: ${CANARY}` }, { id: "2" }],
    });
    expect(target.served.logged.filter((line) => line.includes(CANARY) || line.includes(TOKEN))).toEqual([]);
    expect(target.served.logged.length).toBeGreaterThan(100);
    const rows = await target.served.yard.store.audit.list("default", { before: null, limit: 1_000 });
    expect(JSON.stringify(rows)).not.toContain(CANARY);
    for (const path of ["/openapi.json", "/docs", "/api/keys", "/api/session", "/api/batch/operations"])
      expect((await send({ path })).text).not.toContain(TOKEN);
  });

  it("stay one JSON line an entry, whatever is in a name", async () => {
    const evil = 'x\n{"level":60,"msg":"forged"}\r\u001b[31m\u2028';
    const { secret } = JSON.parse((await post("/api/keys", { name: evil, role: "operator" })).text) as { secret: string };
    await ask(target.url, { path: "/api/batch/stats", headers: { authorization: `Bearer ${secret}` } });
    await ask(target.url, {
      method: "POST",
      ...formed("/api/batch/create", { operation: "echo", name: evil, items: [] }),
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    });
    const lines = target.served.logged.slice(-10);
    expect(lines.some((line) => line.includes("forged"))).toBe(true);
    for (const line of target.served.logged) {
      expect(line.trimEnd()).not.toMatch(/[\n\r\u001b]/);
      expect((JSON.parse(line) as { msg?: string }).msg).not.toBe("forged");
    }
  });

  it("tell a client nothing of what broke inside, in any layer", async () => {
    const broken = await serve();
    const base = await broken.listen();
    const { store } = broken.yard;
    const fault = new Error(`SQLITE_ERROR: SELECT secret FROM keys -- ${CANARY} at /home/somebody/data/batchyard.db`);
    const breaks = (object: object, method: string): void =>
      void Object.defineProperty(object, method, { value: () => Promise.reject(fault) });
    breaks(store.batches, "list");
    breaks(store.batches, "counts");
    breaks(store.batches, "create");
    breaks(store.files, "list");
    breaks(store.files, "insert");
    breaks(store.records, "list");
    breaks(store.records, "put");
    breaks(store.access, "reserve");
    breaks(store.access, "keys");
    breaks(store.results, "groups");
    const authorization = `Bearer ${TOKEN}`;
    const requests: Asked[] = [
      { path: "/api/batch/history" },
      { path: "/api/batch/stats" },
      { path: "/" },
      { path: "/api/files" },
      { path: "/api/keys" },
      { path: "/api/collections/toys" },
      { method: "POST", ...formed("/api/batch/create", { operation: "echo", items: [{ id: "1" }] }) },
      {
        method: "POST",
        path: "/api/batch/create",
        headers: { "content-type": "application/json", "idempotency-key": "k" },
        body: '{"operation":"echo","items":[]}',
      },
      { method: "POST", path: "/api/files?filename=x.csv", headers: { "content-type": "text/csv" }, body: "id\n1\n" },
      { method: "PUT", ...formed("/api/collections/toys/k", { a: 1 }) },
    ];
    for (const asked of requests) {
      const answer = await ask(base, { ...asked, headers: { ...asked.headers, authorization } });
      expect([asked.path, answer.status, JSON.parse(answer.text)]).toEqual([
        asked.path,
        500,
        {
          success: false,
          error: "Something went wrong here; the request id finds it in the log",
          code: "internal",
          requestId: answer.headers["x-request-id"],
        },
      ]);
      expect(broken.logged.some((line) => line.includes(String(answer.headers["x-request-id"])) && line.includes("SQLITE_ERROR"))).toBe(
        true,
      );
    }
    // Closed, not open: who cannot be looked up is not let in.
    breaks(store.access, "keyByHash");
    const unknown = await ask(base, { path: "/api/batch/operations", headers: { authorization: "Bearer by_whoever" } });
    expect([unknown.status, unknown.text.includes("operations")]).toEqual([500, false]);
    await broken.close();
  });
});

describe("the network", () => {
  it("is not asked for anything a request names", async () => {
    let hits = 0;
    const canary = createServer((_request, response) => {
      hits += 1;
      response.end("{}");
    });
    await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
    const elsewhere = `http://127.0.0.1:${(canary.address() as { port: number }).port}/schema.json`;
    for (const schema of [
      { $ref: elsewhere },
      { $schema: elsewhere },
      { $id: elsewhere, $ref: "other.json" },
      { properties: { a: { $dynamicRef: elsewhere } } },
    ]) {
      expect((await post("/api/batch/create", { operation: "validate", items: [{ id: "1" }], options: { schema } })).status).toBe(400);
    }
    await completed({ operation: "validate", items: [{ id: "1" }], options: { schema: { $id: elsewhere, type: "object" } } });
    await post("/api/batch/create", { operation: "echo", input: { file_id: elsewhere } });
    await post("/api/batch/create", { operation: "echo", items: [], options: { notifyOnComplete: [elsewhere] } });
    await askRaw(target.url, `GET ${elsewhere} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\nconnection: close\r\n\r\n`);
    await new Promise((resolve) => canary.close(resolve));
    expect(hits).toBe(0);
  });
});
