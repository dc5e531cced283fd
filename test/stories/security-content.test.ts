import { parse } from "csv-parse/sync";
import exceljs from "exceljs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TOKEN } from "../../src/api/server.fixture.ts";
import { ask, type Answer, type Asked } from "../support/ask.ts";
import { attacked, type Attacked } from "../support/attacked.ts";

/** What comes in as text goes out as text: pages, headers, spreadsheets. */

let target: Attacked;
beforeAll(async () => {
  target = await attacked();
});
afterAll(() => target.close());

const send = (asked: Asked): Promise<Answer> => target.send(asked);
const completed = (body: Record<string, unknown>): Promise<string> => target.completed(body);

/** The file that an operation with one item made. */
async function madeBy(id: string): Promise<string> {
  const { batch } = JSON.parse((await send({ path: `/api/batch/${id}/results` })).text) as {
    batch: { results: { result: { file_id: string } }[] };
  };
  return batch.results[0]!.result.file_id;
}

/** The bytes of a download; `ask` gives text. */
async function bytes(path: string): Promise<Buffer> {
  const answer = await fetch(target.url + path, { headers: { authorization: `Bearer ${TOKEN}` } });
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
      const page = await ask(target.url, { path, headers: { authorization: `Bearer ${TOKEN}`, accept: "text/html" } });
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
