import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "csv-parse/sync";
import { all, itemTexts, openServices } from "../../services.fixture.ts";
import type { ServicesFixture } from "../../services.fixture.ts";
import { measureOf, numberOf } from "./measures.ts";
import { report } from "./report.ts";
import { FieldSummary, Grouping, MAX_GROUPS, sortedGroups, valueOf } from "./summary.ts";

let fixture: ServicesFixture;
beforeEach(() => {
  fixture = openServices();
});
afterEach(() => fixture.close());

interface Made {
  file_id: string;
  rows: number;
  groups: number;
  skipped: number;
}

/** Plans over the payloads and runs the one item that comes out. */
async function make(options: Record<string, unknown>, payloads: unknown[]): Promise<{ made: Made; text: string }> {
  const parsed = report.options.parse(options);
  const items = await report.plan!({ options: parsed, items: itemTexts(payloads), input: null, filters: {} }, fixture.services);
  const planned = await all(items);
  expect(planned).toHaveLength(1);
  const { result } = await report.processItem!(JSON.parse(planned[0]!.text) as never, fixture.context(parsed));
  const made = result as Made;
  return { made, text: fixture.text(made.file_id) };
}

const sales = [
  { city: "Oslo", price: "1,200.50", n: 1 },
  { city: "Oslo", price: 99.5, n: 2 },
  { city: "Bern", price: "cheap", n: 3 },
  { city: null, price: "", n: 4 },
  { city: "Bern", n: -5 },
];

describe("report", () => {
  it("groups and measures as CSV", async () => {
    const { made, text } = await make(
      { format: "csv", groupBy: "city", measures: ["sum:price", "count", { measure: "avg", field: "n" }, "min:n", "max:n", "p50:n"] },
      sales,
    );
    expect(made).toMatchObject({ rows: 5, groups: 3, skipped: 0 });
    expect(parse(text, { columns: true })).toEqual(
      [
        {
          city: "Oslo",
          "sum price": "1300",
          count: "2",
          "avg n": "1.5",
          "min n": "1",
          "max n": "2",
          "p50 n": "1",
          "price: not a number": "0",
        },
        { city: "(none)", "sum price": "", count: "1", "avg n": "4", "min n": "4", "max n": "4", "p50 n": "4", "price: not a number": "0" },
        {
          city: "Bern",
          "sum price": "",
          count: "2",
          "avg n": "-1",
          "min n": "-5",
          "max n": "3",
          "p50 n": "-5",
          "price: not a number": "1",
        },
      ].sort((a, b) => Number(b.city === "Oslo") - Number(a.city === "Oslo") || (a.city < b.city ? -1 : 1)),
    );
  });

  it("makes an HTML page that says what it left out and escapes every text", async () => {
    const hostile = `<script>alert("1")</script>&'`;
    const { made, text } = await make({ title: hostile, groupBy: ["city", hostile], measures: ["count", "avg:price", `avg:${hostile}`] }, [
      ...sales,
      { city: hostile, [hostile]: hostile },
    ]);
    expect(text).not.toContain("<script");
    expect(text).not.toContain('alert("1")');
    expect(text).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;");
    expect(text).toContain("price: 1 value is not a number and left out, such as “cheap”");
    expect(text).toContain("price: 3 of 6 rows have no value; the measures are over the other 2");
    expect(text).toContain(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'`);
    expect(text).not.toMatch(/\b(?:src|href)=/);
    expect(fixture.file(made.file_id)).toMatchObject({
      name: "script-alert-1-script.html",
      contentType: "text/html; charset=utf-8",
      purpose: "report",
    });
  });

  it("neutralises formulas in CSV", async () => {
    const { text } = await make({ format: "csv", groupBy: "city" }, [{ city: '=HYPERLINK("x")' }, { city: "@x" }]);
    expect(text).toContain(`"'=HYPERLINK(""x"")"`);
    expect(text).toContain("'@x");
  });

  it("reads a collection with filters, and a file", async () => {
    await fixture.services.records.put(
      "sales",
      sales.map((data, index) => ({ key: `k${index}`, data, writer: null })),
      "insert",
    );
    const options = report.options.parse({ format: "csv", measures: ["count", "sum:n"] });
    const run = async (input: { collection?: string; file_id?: string }, filters = {}) => {
      const [planned] = await all(await report.plan!({ options, items: null, input, filters }, fixture.services));
      const { result } = await report.processItem!(JSON.parse(planned!.text) as never, fixture.context(options));
      return { ...(result as Made), text: fixture.text((result as Made).file_id) };
    };
    expect((await run({ collection: "sales" }, { city: "Bern" })).text).toBe("count,sum n\r\n2,-2\r\n");
    const csv = await fixture.services.files.save(
      (async function* () {
        yield Buffer.from("city,n\nOslo,4\nBern,oops,3\nBern,5\n");
      })(),
      { name: "in.csv", contentType: "text/csv" },
    );
    expect(await run({ file_id: csv.id })).toMatchObject({ rows: 2, skipped: 1, text: "count,sum n\r\n2,9\r\n" });
    await expect(run({ file_id: "file_none" })).rejects.toThrow("There is no file 'file_none'");
    await expect(run({ collection: "empty" })).rejects.toMatchObject({ code: "empty_report" });
  });

  it("keeps columns of equal names apart", async () => {
    const { text } = await make({ format: "csv", groupBy: "count", measures: ["count", "sum:n", "sum:n"] }, [{ count: "a", n: 1 }]);
    expect(text).toBe("count,count (2),sum n,sum n (2)\r\na,1,1,1\r\n");
  });

  it("refuses what is no measure", () => {
    for (const measures of [["avg"], ["median:x"], ["count:x"], [], [{ measure: "avg" }]])
      expect(report.options.safeParse({ measures }).success).toBe(false);
    expect(report.options.safeParse({ groupBy: ["a", "b", "c", "d"] }).success).toBe(false);
    expect(measureOf("avg:IMDB: Rating")).toMatchObject({ name: "avg", field: "IMDB: Rating", label: "avg IMDB: Rating" });
  });
});

describe("grouping", () => {
  it("puts what is beyond 10,000 groups into (other), last", () => {
    const measures = [measureOf("count"), measureOf("sum:n")];
    const grouping = new Grouping(["id"], measures);
    for (let i = 0; i < MAX_GROUPS + 500; i++) grouping.add({ id: `g${i}`, n: 1 });
    grouping.add({ id: "g1", n: 1 });
    const groups = sortedGroups(grouping, measures);
    expect(groups).toHaveLength(MAX_GROUPS + 1);
    expect(groups.at(-1)).toMatchObject({ labels: ["(other)"], rows: 500 });
    expect(groups[0]).toMatchObject({ labels: ["g1"], rows: 2 });
    expect(grouping.overflowed).toBe(500);
    expect(groups.reduce((sum, group) => sum + valueOf(group, measures[1]!)!, 0)).toBe(grouping.total.rows);
  });

  it("sums exactly what floats would lose", () => {
    const summary = new FieldSummary(false);
    for (const value of [1e16, 1, 1, "-1e16"]) summary.add(value);
    expect(summary.measure("sum")).toBe(2);
  });

  it("keeps percentiles within 1 % of the nearest rank, also of negative values", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.double({ min: -1e6, max: 1e6, noNaN: true }).filter((n) => n === 0 || Math.abs(n) > 0.01),
          { minLength: 1, maxLength: 600 },
        ),
        (values) => {
          const summary = new FieldSummary(true);
          for (const value of values) summary.add(value);
          const sorted = values.toSorted((a, b) => a - b);
          for (const [name, q] of [
            ["p50", 0.5],
            ["p95", 0.95],
          ] as const) {
            const exact = sorted[Math.ceil(q * values.length) - 1]!;
            expect(Math.abs(summary.measure(name)! - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.0101 + 1e-9);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ["12", 12],
    [" 1,234.5 ", 1234.5],
    ["-.5", -0.5],
    ["1e3", 1000],
    ["", null],
    [null, null],
    [undefined, null],
    ["1,23", undefined],
    ["0x10", undefined],
    ["1e999", undefined],
    ["$5", undefined],
    [true, undefined],
    [[1], undefined],
  ])("reads %j as %j", (value, expected) => {
    expect(numberOf(value)).toBe(expected);
  });
});
