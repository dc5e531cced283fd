import { describe, expect, it } from "vitest";
import type { HandlerContext, ItemOutcome } from "../operation.ts";
import { validate } from "./validate.ts";

const movie = {
  type: "object",
  properties: {
    title: { type: "string", minLength: 1 },
    year: { type: "integer", minimum: 1880, maximum: 2030 },
    "home page": { type: "string", format: "uri" },
  },
  required: ["title", "year"],
  additionalProperties: false,
};

type Failed = Extract<ItemOutcome, { error: string }>;

/** What the operation answers for the payloads, in order. */
async function run(options: Record<string, unknown>, payloads: unknown[]): Promise<ItemOutcome[]> {
  const parsed = validate.options.parse(options);
  const items = payloads.map((payload, index) => ({ key: `k${index}`, payload }));
  return await validate.processBatch!(items, { options: parsed } as HandlerContext<typeof parsed>);
}

async function runOne(options: Record<string, unknown>, payload: unknown): Promise<Failed> {
  return (await run(options, [payload]))[0] as Failed;
}

function faults(schema: unknown): { path: string; message: string; code: string }[] {
  return validate.check!(validate.options.parse({ schema }));
}

describe("validate", () => {
  it("says yes with nothing more", async () => {
    expect(await run({ schema: movie }, [{ title: "Alien", year: 1979 }])).toEqual([
      { key: "k0", result: { valid: true, errors: [] }, qualityScore: 1 },
    ]);
  });

  it("names paths, keeps every fault and scores the share of rules kept", async () => {
    const outcome = await runOne({ schema: movie }, { year: 1700.5, colour: "red", "home page": "no" });
    expect(outcome).toMatchObject({ key: "k0", code: "schema_invalid", category: "data" });
    expect(outcome.error).toBe("title is required; colour is not allowed; year must be integer; and 2 more");
    expect(outcome.result).toMatchObject({
      valid: false,
      errors: [
        { path: "title", code: "required" },
        { path: "colour" },
        { path: "year" },
        { path: "year" },
        { path: "home page", code: "format" },
      ],
    });
    // Rules: type ×4, minLength, minimum, maximum, format, required ×2, additionalProperties = 11; broken: 5.
    expect(outcome.qualityScore).toBeCloseTo(1 - 5 / 11, 10);
  });

  it("counts a rule once, however many elements break it", async () => {
    const outcome = await runOne({ schema: { type: "array", items: { type: "number", minimum: 0 } } }, ["a", "b", "c", 1]);
    expect(outcome.qualityScore).toBeCloseTo(2 / 3, 10);
    expect(outcome.error).toContain("0 must be number");
  });

  it("takes texts for numbers only when asked to", async () => {
    const csvRow = { title: "Alien", year: "1979" };
    expect((await runOne({ schema: movie }, csvRow)).error).toBe("year must be integer");
    expect(await run({ schema: movie, coerce: true }, [csvRow])).toMatchObject([{ result: { valid: true } }]);
  });

  it("does not take inherited names for properties", async () => {
    expect((await runOne({ schema: { required: ["toString"] } }, {})).error).toBe("toString is required");
  });

  it.each(["http://127.0.0.1:9/schema.json", "other.json", "//evil/x", "file:///etc/passwd"])("refuses the reference %s", (ref) => {
    expect(faults({ properties: { a: { items: [{ $ref: ref }] } } })).toEqual([
      expect.objectContaining({ path: "schema", code: "schema_remote_ref" }),
    ]);
  });

  it("takes references within the schema, and names and data that look like one", () => {
    expect(
      faults({ $defs: { p: { type: "number" } }, properties: { a: { $ref: "#/$defs/p" }, $ref: { const: { $ref: "http://x/" } } } }),
    ).toEqual([]);
  });

  it("refuses what it could not honour", () => {
    expect(faults({ type: "nonsense" })[0]).toMatchObject({ code: "invalid_schema" });
    expect(faults({ $ref: "#/$defs/none" })[0]!.message).toContain("can't resolve reference");
    expect(faults({ $schema: "http://json-schema.org/draft-07/schema#" })[0]!.message).toContain("2020-12");
    expect(faults({ $async: true })[0]!.message).toContain("$async");
    let deep: Record<string, unknown> = {};
    for (let i = 0; i < 5000; i++) deep = { not: deep };
    expect(faults(deep)[0]!.message).toContain("deeper than 64");
  });

  it("refuses patterns that need backtracking and runs the others in linear time", async () => {
    expect(faults({ pattern: "(a)\\1" })[0]!.message).toContain("no back-references");
    expect(faults({ pattern: "a".repeat(501) })[0]!.message).toContain("longer than 500");
    const outcome = await runOne({ schema: { pattern: "^(a+)+$" } }, `${"a".repeat(100_000)}!`);
    expect(outcome.code).toBe("schema_invalid");
    const both = { properties: { a: { pattern: "^a$" }, b: { pattern: "^b$" } } };
    expect(
      await run({ schema: both }, [
        { a: "a", b: "b" },
        { a: "b", b: "b" },
        { a: "a", b: "a" },
      ]),
    ).toMatchObject([
      { qualityScore: 1 },
      { error: expect.stringContaining("a must match") },
      { error: expect.stringContaining("b must match") },
    ]);
  });

  it("follows a schema that refers to itself further down", async () => {
    const tree = { type: "object", properties: { name: { type: "string" }, child: { $ref: "#" } } };
    expect((await runOne({ schema: tree }, { child: { child: { name: 1 } } })).error).toBe("child.child.name must be string");
  });

  it("is linear in formats and unique items", async () => {
    expect((await runOne({ schema: { format: "url" } }, `http://${"a:".repeat(50_000)}@ `)).code).toBe("schema_invalid");
    const many = Array.from({ length: 50_000 }, (_, id) => ({ id, tag: "t" }));
    expect(await run({ schema: { uniqueItems: true } }, [many])).toMatchObject([{ qualityScore: 1 }]);
    expect((await runOne({ schema: { uniqueItems: true } }, [...many, { tag: "t", id: 7 }])).error).toContain("duplicate");
  });

  it("ends on a schema that refers to itself on the spot", async () => {
    expect(await runOne({ schema: { $ref: "#" } }, {})).toMatchObject({ code: "schema_failed", category: "configuration" });
  });

  it("compiles two schemas of the same $id", async () => {
    expect(faults({ $id: "urn:shop:x", type: "string" })).toEqual([]);
    expect(faults({ $id: "urn:shop:x", type: "number" })).toEqual([]);
    expect(await run({ schema: { $id: "urn:shop:x", type: "number" } }, [1])).toMatchObject([{ qualityScore: 1 }]);
  });

  it("warns about formats nothing knows", () => {
    expect(validate.warnings!({ schema: { format: "phone", properties: { a: { format: "date" } } }, coerce: false })).toEqual([
      "The format 'phone' is not known and checks nothing",
    ]);
  });
});
