import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WireBatch } from "../contract/batch.ts";
import { serve, type Served } from "../server.fixture.ts";

let served: Served;
/** Ids by name. */
const ids: Record<string, string> = {};

beforeAll(async () => {
  served = await serve();
  const make = async (name: string, items: readonly Record<string, unknown>[], more: Record<string, unknown> = {}): Promise<void> => {
    const id = await served.create({ operation: "echo", name, items, ...more });
    ids[name] = id;
    await Promise.race(["batch.completed", "batch.failed"].map((type) => served.event(type, id)));
  };
  await make("small", [{ id: "a" }]);
  await make("=HYPERLINK(0)", [{ id: "a" }, { id: "b", fail: "no" }, { id: "c", fail: "no" }], { tags: ["x", "y"] });
  await make(
    "large",
    Array.from({ length: 5 }, (_, n) => ({ id: `${n}`, ...(n === 0 ? { fail: "no" } : {}) })),
  );
  const waiting = { operation: "echo", total_items: 4, options: { executor: "external" } };
  ids["open"] = await served.create({ ...waiting, name: "open" });
  for (const name of ["limited", "limited too"])
    ids[name] = await served.create({ ...waiting, name, total_items: 2, options: { executor: "external", budgetUsd: 1.5 } });
});
afterAll(() => served.close());

interface Page {
  batches: WireBatch[];
  total: number;
  nextCursor: string | null;
  code: string;
}
async function list(query: string): Promise<{ status: number; json: Page }> {
  const { status, json } = await served.send({ method: "GET", url: `/api/batch/history?${query}` });
  return { status, json: json as unknown as Page };
}
const names = async (query: string): Promise<(string | null)[]> => (await list(query)).json.batches.map(({ name }) => name);

describe("a sorted list", () => {
  it("is in its order, both ways, what has no value last", async () => {
    const ended = ["large", "=HYPERLINK(0)", "small"];
    expect(await names("sort=items")).toEqual(["large", "open", "=HYPERLINK(0)", "limited too", "limited", "small"]);
    expect((await names("sort=failed"))?.slice(0, 2)).toEqual(["=HYPERLINK(0)", "large"]);
    expect(await names("sort=completed")).toEqual([...ended, "limited too", "limited", "open"]);
    expect(await names("sort=completed&order=asc")).toEqual([...ended.toReversed(), "limited too", "limited", "open"]);
    expect(await names("sort=created&order=asc&limit=2")).toEqual(["small", "=HYPERLINK(0)"]);
    const { batches } = (await list("sort=duration&status=completed")).json;
    const took = batches.map(({ started_at, completed_at }) => Date.parse(completed_at!) - Date.parse(started_at!));
    expect(took).toEqual(took.toSorted((a, b) => b - a));
    expect(took.length).toBe(3);
  });

  it("goes on by its own cursor, and by no other", async () => {
    const first = (await list("sort=items&limit=4")).json;
    expect(first.total).toBe(6);
    expect(await names(`sort=items&limit=4&cursor=${first.nextCursor}`)).toEqual(["limited", "small"]);
    for (const other of ["sort=failed", "sort=items&order=asc", ""])
      expect(await list(`${other}&cursor=${first.nextCursor}`)).toMatchObject({ status: 400, json: { code: "invalid_cursor" } });
    expect(await list("sort=items&offset=2")).toMatchObject({ status: 400, json: { code: "validation_failed" } });
    expect(await list("sort=name")).toMatchObject({ status: 400, json: { code: "validation_failed" } });
  });
});

describe("a list as a file", () => {
  const file = async (body: Record<string, unknown>) =>
    served.send({
      method: "POST",
      url: "/api/batch/export",
      headers: { "content-type": "application/json" },
      payload: JSON.stringify(body),
    });
  it("leaves out what is another tenant's, as if it were not there", async () => {
    const answer = await served.send({
      method: "POST",
      url: "/api/batch/export",
      headers: { "content-type": "application/json", authorization: `Bearer ${await served.key("viewer", "other")}` },
      payload: JSON.stringify({ format: "jsonl", ids: [ids["small"]] }),
    });
    expect([answer.status, answer.text]).toEqual([200, ""]);
  });
  const lines = async (body: Record<string, unknown>) =>
    (await file({ format: "jsonl", ...body })).text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("is CSV that no spreadsheet runs", async () => {
    const { status, headers, text } = await file({ filter: { status: "completed" } });
    expect([status, headers["content-type"]]).toEqual([200, "text/csv; charset=utf-8"]);
    expect(headers["content-disposition"]).toContain('filename="batches.csv"');
    const [head, ...rows] = text.trim().split("\r\n");
    expect(head).toMatch(/^id,name,operation,status,priority,/);
    expect(rows.map((row) => row.split(",")[1])).toEqual(["large", "'=HYPERLINK(0)", "small"]);
    expect(rows[1]).toContain('"x, y",3,1,2,0,0,');
  });

  it("holds those that match, or those named, in their order, without those left out", async () => {
    expect((await lines({})).length).toBe(6);
    const sorted = (await lines({ sort: "items", order: "asc" })).map(({ total_items: items }) => items as number);
    expect(sorted).toEqual(sorted.toSorted((a, b) => a - b));
    expect((await lines({ sort: "items" })).map(({ name }) => name)).toEqual(await names("sort=items"));
    expect((await file({ ids: [ids["small"]], sort: "items" })).status).toBe(400);
    expect((await lines({ filter: { name: "limited" }, except: [ids["limited"]] })).map(({ name }) => name)).toEqual(["limited too"]);
    expect((await lines({ ids: [ids["small"], "batch_0_nothing", ids["large"]] })).map(({ name }) => name)).toEqual(["small", "large"]);
    expect((await lines({ ids: [ids["large"]] }))[0]).toMatchObject({
      total_items: 5,
      failed_items: 1,
      duration_ms: expect.any(Number) as number,
    });
    expect((await file({ ids: [ids["small"]], filter: { name: "x" } })).status).toBe(400);
    expect((await file({ format: "pdf" })).status).toBe(400);
  });
});

it("GET /api/costs/budgets lists every open batch with a budget, a page at a time", async () => {
  const budgets = async (query: string) =>
    (await served.send({ method: "GET", url: `/api/costs/budgets${query}` })).json as unknown as {
      budgets: { name: string; paid: number; budget: number }[];
      nextCursor: string | null;
    };
  const first = await budgets("?limit=1");
  expect(first.budgets).toMatchObject([{ name: "limited too", status: "pending", paid: 0, budget: 1.5 }]);
  expect(await budgets(`?cursor=${first.nextCursor}`)).toMatchObject({ budgets: [{ name: "limited" }], nextCursor: null });
});
