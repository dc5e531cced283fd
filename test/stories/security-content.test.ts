import { createServer } from "node:http";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import exceljs from "exceljs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, TOKEN, type Served } from "../../src/api/server.fixture.ts";
import { ask, type Answer, type Asked, askRaw, formed } from "../support/ask.ts";
import { GUARDED } from "../support/guarded-routes.ts";

/** What comes in as text goes out as text: pages, spreadsheets, headers, logs, files. */

let around: string;
let served: Served;
let url: string;
beforeAll(async () => {
  around = mkdtempSync(join(tmpdir(), "batchyard-around-"));
  mkdirSync(join(around, "data"));
  served = await serve({ directory: join(around, "data") });
  url = await served.listen();
});
afterAll(async () => {
  await served.close();
  rmSync(around, { recursive: true, force: true });
});

const send = (asked: Asked): Promise<Answer> => ask(url, { ...asked, headers: { authorization: `Bearer ${TOKEN}`, ...asked.headers } });
const post = (path: string, body: unknown): Promise<Answer> => send({ method: "POST", ...formed(path, body) });

async function completed(body: Record<string, unknown>): Promise<string> {
  const id = await served.create(body);
  await served.event("batch.completed", id);
  return id;
}

/** The file that an operation with one item made. */
async function madeBy(id: string): Promise<string> {
  const { batch } = JSON.parse((await send({ path: `/api/batch/${id}/results` })).text) as {
    batch: { results: { result: { file_id: string } }[] };
  };
  return batch.results[0]!.result.file_id;
}

/** The bytes of a download; `ask` gives text. */
async function bytes(path: string): Promise<Buffer> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${TOKEN}` } });
  return Buffer.from(await answer.arrayBuffer());
}

const PAYLOADS: readonly string[] = [
  "<script>alert(1)</script>",
  "</script><script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><script>alert(1)</script></svg>",
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '" onmouseover="alert(1)',
  "' onfocus='alert(1)' autofocus='",
  "</title><script>alert(1)</script>",
  "</style><script>alert(1)</script>",
  "</textarea><script>alert(1)</script>",
  "<!--<script>alert(1)</script>-->",
  "--><script>alert(1)</script>",
  "<iframe src=javascript:alert(1)>",
  '<a href="javascript:alert(1)">x</a>',
  "<base href=//evil.example>",
  "<meta http-equiv=refresh content=0;url=//evil.example>",
  "<link rel=stylesheet href=//evil.example>",
  "<form action=//evil.example><button>",
  "<object data=//evil.example>",
  "<math><mtext><img src=x onerror=alert(1)>",
  "<details open ontoggle=alert(1)>",
  "<template><script>alert(1)</script></template>",
  "<body onload=alert(1)>",
  "<input autofocus onfocus=alert(1)>",
  "<video><source onerror=alert(1)>",
  "<b\u0000script>alert(1)</b>".replace("\u0000", ""),
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "\u202e<script>alert(1)</script>",
  "${alert(1)}{{constructor.constructor('alert(1)')()}}",
];

/** The same text with everything that means something in HTML written out. */
const written = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
/** Entities by name and by number are the same to a browser. */
const byNumber = (page: string): string =>
  page.replace(
    /&(amp|lt|gt|quot|apos);/g,
    (_all, name: string) => ({ amp: "&#38;", lt: "&#60;", gt: "&#62;", quot: "&#34;", apos: "&#39;" })[name]!,
  );

describe("HTML", () => {
  it.each(PAYLOADS.map((payload) => [payload]))("%s is shown as text", async (payload) => {
    const id = await completed({
      operation: "echo",
      name: payload,
      description: payload,
      tags: [payload],
      metadata: { payload },
      options: { retryAttempts: 0 },
      items: [
        { id: "1", group: payload },
        { id: "2", fail: payload },
      ],
    });
    const report = await completed({
      operation: "report",
      options: { title: payload, groupBy: "group", measures: ["count"] },
      items: [{ id: "1", group: payload, [payload]: 1 }],
    });
    for (const path of [
      "/",
      "/docs",
      "/signin",
      `/signin?token=${encodeURIComponent(payload)}`,
      `/api/files/${await madeBy(report)}/content`,
    ]) {
      const page = await ask(url, { path, headers: { authorization: `Bearer ${TOKEN}`, accept: "text/html" } });
      expect([path, page.text.includes(payload)]).toEqual([path, false]);
      const shows = path === "/" || path.includes("files");
      expect([path, shows && !byNumber(page.text).includes(written(payload))]).toEqual([path, false]);
    }
    // Everywhere else it is JSON that no browser takes for a page.
    for (const path of [
      `/api/batch/${id}`,
      `/api/batch/${id}/errors`,
      `/api/batch/${id}/results`,
      `/api/nothing/${encodeURIComponent(payload)}`,
    ]) {
      const answer = await send({ path });
      expect([path, answer.headers["content-type"], answer.headers["x-content-type-options"]]).toEqual([
        path,
        "application/json; charset=utf-8",
        "nosniff",
      ]);
    }
  });
});

describe("headers", () => {
  const shown = [
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "cache-control",
    "content-type",
    "content-disposition",
  ];
  const POLICY =
    /^default-src 'none';script-src 'self';style-src 'self' 'sha256-[\w+/=]+';img-src 'self' data:;font-src 'self';connect-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'$/;
  const base = {
    policy: true,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };

  it("are the same strict ones on pages, JSON, downloads, errors and missing pages", async () => {
    const id = await completed({ operation: "echo", items: [{ id: "1" }] });
    const { file } = JSON.parse(
      (
        await send({
          method: "POST",
          path: "/api/files?filename=page.html",
          headers: { "content-type": "text/html" },
          body: "<script>alert(1)</script>",
        })
      ).text,
    ) as { file: { id: string } };
    const json = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };
    const html = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
    const cases: [string, Asked, Record<string, string>][] = [
      ["page", { path: "/" }, html],
      ["docs", { path: "/docs" }, html],
      ["sign-in", { path: "/signin", headers: { authorization: "" } }, html],
      ["json", { path: "/api/batch/stats" }, json],
      ["error", { path: "/api/batch/history?limit=0" }, json],
      ["missing", { path: "/nothing" }, json],
      ["no credential", { path: "/api/batch/stats", headers: { authorization: "" } }, json],
      [
        "results as lines",
        { path: `/api/batch/${id}/results`, headers: { accept: "application/x-ndjson" } },
        { "content-type": "application/x-ndjson; charset=utf-8", "cache-control": "no-store" },
      ],
      [
        "export",
        { path: `/api/batch/${id}/export?format=csv` },
        {
          "content-type": "text/csv; charset=utf-8",
          "cache-control": "no-store",
          "content-disposition": `attachment; filename="${id}.csv"; filename*=UTF-8''${id}.csv`,
        },
      ],
      [
        "a page as a file",
        { path: `/api/files/${file.id}/content` },
        {
          "content-type": "text/html",
          "cache-control": "no-store",
          "content-disposition": `attachment; filename="page.html"; filename*=UTF-8''page.html`,
        },
      ],
    ];
    for (const [name, asked, expected] of cases) {
      const { headers } = await send(asked);
      const { "content-security-policy": policy, ...rest } = Object.fromEntries(
        shown.flatMap((header) => (headers[header] === undefined ? [] : [[header, headers[header]]])),
      );
      expect([name, { policy: POLICY.test(String(policy)), ...rest }]).toEqual([name, { ...base, ...expected }]);
      expect([name, headers["x-powered-by"], headers["server"]]).toEqual([name, undefined, undefined]);
      expect(headers["x-request-id"]).toMatch(/^req_[a-z0-9]{24}$/);
    }
  });

  it("cannot be broken by a file's name", async () => {
    for (const name of [
      "a\r\nset-cookie: x=1.csv",
      `"; filename="evil.exe`,
      "<b>.csv",
      "\u202ecod.exe",
      "x".repeat(1_000),
      "Übung ☃.csv",
      "../../../etc/passwd",
      "C:\\windows\\system32",
      "\u0000",
      "%0d%0a",
    ]) {
      const uploaded = await send({
        method: "POST",
        path: `/api/files?filename=${encodeURIComponent(name)}`,
        headers: { "content-type": "text/csv" },
        body: "id\n1\n",
      });
      expect([name, uploaded.status]).toEqual([name, 201]);
      const { file } = JSON.parse(uploaded.text) as { file: { id: string; name: string } };
      expect(file.name).not.toMatch(/[\u0000-\u001f\u202a-\u202e/\\]/);
      const { headers } = await send({ path: `/api/files/${file.id}/content` });
      expect(headers["content-disposition"]).toMatch(/^attachment; filename="[\x20-\x7e]{1,255}"; filename\*=UTF-8''[\w%.~!#$&+^`|-]+$/);
      expect(String(headers["content-disposition"]).split('"')).toHaveLength(3);
      expect(headers["set-cookie"]).toBeUndefined();
    }
  });
});

describe("spreadsheets", () => {
  const FORMULAS = [
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "=cmd|'/c calc'!A0",
    "=1+1\n=2",
    "-1",
  ];
  const rows = FORMULAS.map((cell, n) => ({ id: `r${n}`, cell, [`=head${n}`]: cell, number: -n }));

  /** Cells that a spreadsheet would calculate or follow. */
  const liveCells = async (book: Buffer): Promise<string[]> => {
    const workbook = new exceljs.Workbook();
    await workbook.xlsx.load(book as unknown as ArrayBuffer);
    const live: string[] = [];
    let cells = 0;
    workbook.eachSheet((sheet) =>
      sheet.eachRow((row) =>
        row.eachCell((cell) => {
          cells += 1;
          if (cell.type === exceljs.ValueType.Formula || cell.type === exceljs.ValueType.Hyperlink) live.push(cell.address);
        }),
      ),
    );
    return cells > FORMULAS.length ? live : ["too few cells"];
  };
  const liveTexts = (csv: string): string[] => {
    const rowsOfCells: string[][] = parse(csv, { relax_column_count: true });
    const cells = rowsOfCells.flat();
    const live = cells.filter((cell) => /^[=+\-@\t\r]/.test(cell) && !/^-?\d+(\.\d+)?$/.test(cell));
    return cells.some((cell) => cell.startsWith("'=")) ? live : ["no cell was neutralised"];
  };

  it("get no formula from the results of a batch", async () => {
    const items = FORMULAS.map((cell, n) => (n % 2 === 0 ? { id: `=k${n}`, fail: cell } : { id: `+k${n}`, cell }));
    const id = await completed({ operation: "echo", name: "=1", options: { retryAttempts: 0 }, items });
    const values = await completed({ operation: "transform", options: { expression: "cell" }, items: rows });
    for (const batch of [id, values]) {
      expect(liveTexts((await bytes(`/api/batch/${batch}/export?format=csv`)).toString("utf8"))).toEqual([]);
      expect(await liveCells(await bytes(`/api/batch/${batch}/export?format=xlsx`))).toEqual([]);
    }
    expect((await bytes(`/api/batch/${values}/export?format=jsonl`)).toString("utf8")).toContain("\"=cmd|'/c calc'!A0\"");
  });

  it("get no formula from an export, headings included, nor from a report", async () => {
    await completed({ operation: "import", options: { collection: "formulas" }, items: rows });
    for (const format of ["csv", "xlsx"]) {
      const made = await bytes(
        `/api/files/${await madeBy(await completed({ operation: "export", input: { collection: "formulas" }, options: { format } }))}/content`,
      );
      expect([format, format === "csv" ? liveTexts(made.toString("utf8")) : await liveCells(made)]).toEqual([format, []]);
    }
    const report = await completed({
      operation: "report",
      input: { collection: "formulas" },
      options: { format: "csv", groupBy: "cell", title: "=1" },
    });
    expect(liveTexts((await bytes(`/api/files/${await madeBy(report)}/content`)).toString("utf8"))).toEqual([]);
  });
});

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
    const outside = (): string[] => readdirSync(around).concat(readdirSync(tmpdir()).filter((name) => name.includes("escaped")));
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
    const kept = readdirSync(join(around, "data"), { recursive: true }).map(String);
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
    expect(served.logged.filter((line) => line.includes(CANARY) || line.includes(TOKEN))).toEqual([]);
    expect(served.logged.length).toBeGreaterThan(100);
    const rows = await served.yard.store.audit.list("default", { before: null, limit: 1_000 });
    expect(JSON.stringify(rows)).not.toContain(CANARY);
    for (const path of ["/openapi.json", "/docs", "/api/keys", "/api/session", "/api/batch/operations"])
      expect((await send({ path })).text).not.toContain(TOKEN);
  });

  it("stay one JSON line an entry, whatever is in a name", async () => {
    const evil = 'x\n{"level":60,"msg":"forged"}\r\u001b[31m\u2028';
    const { secret } = JSON.parse((await post("/api/keys", { name: evil, role: "operator" })).text) as { secret: string };
    await ask(url, { path: "/api/batch/stats", headers: { authorization: `Bearer ${secret}` } });
    await ask(url, {
      method: "POST",
      ...formed("/api/batch/create", { operation: "echo", name: evil, items: [] }),
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    });
    const lines = served.logged.slice(-10);
    expect(lines.some((line) => line.includes("forged"))).toBe(true);
    for (const line of served.logged) {
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
    const target = `http://127.0.0.1:${(canary.address() as { port: number }).port}/schema.json`;
    for (const schema of [
      { $ref: target },
      { $schema: target },
      { $id: target, $ref: "other.json" },
      { properties: { a: { $dynamicRef: target } } },
    ]) {
      expect((await post("/api/batch/create", { operation: "validate", items: [{ id: "1" }], options: { schema } })).status).toBe(400);
    }
    await completed({ operation: "validate", items: [{ id: "1" }], options: { schema: { $id: target, type: "object" } } });
    await post("/api/batch/create", { operation: "echo", input: { file_id: target } });
    await post("/api/batch/create", { operation: "echo", items: [], options: { notifyOnComplete: [target] } });
    await askRaw(url, `GET ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\nconnection: close\r\n\r\n`);
    await new Promise((resolve) => canary.close(resolve));
    expect(hits).toBe(0);
  });
});
