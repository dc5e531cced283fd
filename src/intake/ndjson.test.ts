import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { ItemText } from "../model/item.ts";
import { readInline } from "./inline.ts";
import { itemKey } from "./item-key.ts";
import { splitLines } from "./lines.ts";
import { readNdjson } from "./ndjson.ts";
import type { ReadOptions } from "./ndjson.ts";

async function* bytesOf(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text as string);
  for (let from = 0; from < bytes.length; from += 60_000) yield bytes.subarray(from, from + 60_000);
}

async function all(blocks: AsyncIterable<ItemText[]>): Promise<ItemText[]> {
  const items: ItemText[] = [];
  for await (const block of blocks) items.push(...block);
  return items;
}

const read = (text: string | Uint8Array, options: ReadOptions = {}): Promise<ItemText[]> =>
  all(readNdjson(splitLines(bytesOf(text)), options));

describe("readNdjson", () => {
  it("keeps the text of each line and finds its key", async () => {
    const text = '\uFEFF{"id":9007199254740993,"x":1.10}\r\n\r\n{"custom_id":"c","nodeId":"\\u006e"}\n{"name":"no key"}\n{"id":-0}';
    expect(await read(text)).toEqual([
      { key: "9007199254740993", text: '{"id":9007199254740993,"x":1.10}' },
      { key: "n", text: '{"custom_id":"c","nodeId":"\\u006e"}' },
      { key: "item_3", text: '{"name":"no key"}' },
      { key: "0", text: '{"id":-0}' },
    ]);
  });

  it("stores names of prototypes verbatim and touches no prototype", async () => {
    const text = '{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}';
    expect(await read(text)).toEqual([{ key: "item_1", text }]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it.each(["", "\n\n", " \r\n\t\n", "\uFEFF"])("refuses %j as empty", async (text) => {
    await expect(read(text)).rejects.toMatchObject({ code: "empty_input", status: 400 });
  });

  it.each([
    ["cut last line", '{"a":1}\n{"a":', "bad_json", "line 2", "column 6: "],
    ["array", '[{"a":1},\n{"a":2}]', "array_not_jsonl", "line 1", "jq"],
    ["array after blank lines", '\n  [\n{"a":1}\n]', "array_not_jsonl", "line 2", "jq"],
    ["CSV", "id,name\n1,x\n2,y", "bad_json", "line 1", "column 1: this looks like CSV"],
    ["CSV of numbers", "1,x\n2,y", "bad_json", "line 1", "looks like CSV"],
    ["a number", '{"a":1}\n42', "item_not_object", "line 2", "a number"],
    ["an array further down", '{"a":1}\n\n[1]', "item_not_object", "line 3", "an array"],
    ["a string with a comma", '"x,y"', "item_not_object", "line 1", "a string"],
    ["depth", `{"a":${"[".repeat(200_000)}`, "too_deep", "line 1", "64"],
    ["repeated key", '{"id":1,"id":2}', "duplicate_key", "line 1", "column 9: "],
    ["NUL", '{"a":"\\u0000"}', "nul_character", "line 1", "column 7"],
    ["half a pair", '{"a":"\\ud800"}', "bad_unicode", "line 1", "column 7"],
    ["1e400", '{"a":1e400}', "number_out_of_range", "line 1", "column 6"],
    ["invalid UTF-8", Buffer.from([0x7b, 0x7d, 0x0a, 0xc3, 0x28]), "bad_encoding", "line 2", "byte offset 3"],
    ["empty key", '{"custom_id":""}', "bad_id", "line 1", "1 to 512"],
    ["key of 10 KB", `{"custom_id":"${"k".repeat(10_240)}"}`, "bad_id", "line 1", "10240 characters long"],
    ["key with a line break", '{"custom_id":"a\\nb"}', "bad_id", "line 1", "control"],
    ["key ../x", '{"custom_id":"../x"}', "bad_id", "line 1", '".."'],
    ["key of null", '{"id":null}', "bad_id", "line 1", 'the field "id" is null'],
    ["key of true", '{"id":true}', "bad_id", "line 1", "a boolean"],
    ["key object", '{"nodeId":{"id":1}}', "bad_id", "line 1", "an object"],
    ["key 1.5", '{"id":1.5}', "bad_id", "line 1", "not a whole number"],
  ])("refuses: %s", async (_name, text, code, path, part) => {
    await expect(read(text)).rejects.toMatchObject({
      code: "bad_items",
      status: 400,
      errors: [{ code, path, message: expect.stringContaining(part) }],
    });
  });

  it("passes on 415 for UTF-16 and 413 for a long line", async () => {
    await expect(read(Buffer.from('\uFEFF{"a":1}', "utf16le"))).rejects.toMatchObject({ code: "bad_encoding", status: 415 });
    await expect(read(`{"a":1}\n{"a":"${"x".repeat(1_048_576)}"}`)).rejects.toMatchObject({
      code: "line_too_long",
      status: 413,
      message: "Line 2 is longer than 1048576 bytes",
    });
  });

  it("lists the first hundred bad lines and counts all, and gives nothing after the first", async () => {
    const text = Array.from({ length: 250 }, (_, i) => `{"a":${i}\n`).join("");
    const given: ItemText[] = [];
    const reading = (async () => {
      for await (const block of readNdjson(splitLines(bytesOf(`{"ok":1}\n${text}{"ok":1}\n`)))) given.push(...block);
    })();
    const error = await reading.catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: "bad_items",
      message: expect.stringMatching(/^250 of the items .*line 2: column 7: .*and 247 more$/),
    });
    expect((error as { errors: unknown[] }).errors).toHaveLength(100);
    expect((error as { errors: unknown[] }).errors[99]).toMatchObject({ path: "line 101" });
    expect(given).toEqual([]);
  });

  it("says what it found before the bytes stop being UTF-8", async () => {
    const bytes = Buffer.concat([Buffer.from(`{"a"}\n${'{"a":1}\n'.repeat(50_000)}`), Buffer.from([0xff, 0x0a])]);
    await expect(read(bytes)).rejects.toMatchObject({
      code: "bad_items",
      errors: [
        { path: "line 1", code: "bad_json" },
        { path: "line 50002", code: "bad_encoding" },
      ],
    });
  });

  it("takes as many items as allowed and not one more", async () => {
    expect(await read("{}\n\n{}\n{}\n", { maxItems: 3 })).toHaveLength(3);
    await expect(read("{}\n{}\n{}\n{}\n", { maxItems: 3 })).rejects.toMatchObject({
      code: "too_many_items",
      status: 413,
      message: expect.stringMatching(/^A batch takes at most 3 items/),
    });
  });

  it("takes the key from the field that was named, which must be there", async () => {
    expect(await read('{"sku":" a/b ","id":1}', { keyField: "sku" })).toEqual([{ key: " a/b ", text: '{"sku":" a/b ","id":1}' }]);
    await expect(read('{"sku":1}\n{"id":1}', { keyField: "sku" })).rejects.toMatchObject({
      errors: [{ path: "line 2", code: "bad_id", message: expect.stringContaining('no field "sku"') }],
    });
  });

  it("closes its source on a fault that ends the reading", async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from("{}\n");
      } finally {
        closed = true;
      }
    }
    await expect(all(readNdjson(splitLines(source()), { maxItems: 10 }))).rejects.toMatchObject({ code: "too_many_items" });
    expect(closed).toBe(true);
  });
});

describe("itemKey", () => {
  it("says the same of a value as readNdjson of its text", async () => {
    const key = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 20 }),
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.constantFrom(null, true, {}, [], "..", "a/../b", ".", "a.b", "x".repeat(513), 2 ** 53, 1e3),
    );
    const payload = fc.dictionary(fc.constantFrom("nodeId", "id", "custom_id", "sku", "other"), key);
    await fc.assert(
      fc.asyncProperty(payload, fc.constantFrom(undefined, "sku"), async (value, keyField) => {
        // An integer beyond 2^53 is exact as text but not as a value: the one difference.
        fc.pre(
          !Object.values(value).some((one) => typeof one === "number" && (Object.is(one, -0) || Math.abs(one) > Number.MAX_SAFE_INTEGER)),
        );
        const text = JSON.stringify(value);
        fc.pre(!text.includes("\\u0000"));
        const outcome = (error: unknown): unknown =>
          (error as { errors: unknown[] }).errors.map((fault) => (fault as { message: string }).message);
        const byText = await read(text, { keyField }).then((items) => items[0]!.key, outcome);
        let byValue: unknown;
        try {
          byValue = itemKey(value, 1, keyField);
        } catch (error) {
          byValue = outcome(error);
        }
        expect(byValue).toEqual(byText);
      }),
      { numRuns: 300 },
    );
  });

  it("numbers what has no key, and never looks up the prototype", () => {
    expect(itemKey({ a: 1 }, 7)).toBe("item_7");
    expect(itemKey(Object.create({ id: 5 }), 8)).toBe("item_8");
    expect(() => itemKey({ id: 2 ** 53 }, 1)).toThrow(/too large to be exact/);
  });
});

describe("readInline", () => {
  it("takes JSON texts and values", async () => {
    expect(await all(readInline(['{"id":\n9007199254740993}', { custom_id: "b", at: new Date(0) }, {}]))).toEqual([
      { key: "9007199254740993", text: '{"id": 9007199254740993}' },
      { key: "b", text: '{"custom_id":"b","at":"1970-01-01T00:00:00.000Z"}' },
      { key: "item_3", text: "{}" },
    ]);
    expect(await all(readInline([]))).toEqual([]);
  });

  it("comes in blocks", async () => {
    const sizes: number[] = [];
    for await (const block of readInline(Array.from({ length: 2500 }, () => ({})))) sizes.push(block.length);
    expect(sizes).toEqual([1000, 1000, 500]);
  });

  it.each([
    ["a number", 42, "item_not_object"],
    ["an array", [1], "item_not_object"],
    ["undefined", undefined, "not_serialisable"],
    ["a function", () => 1, "not_serialisable"],
    ["a BigInt", { a: 1n }, "not_serialisable"],
    ["NaN", { a: [null, { b: Number.NaN }] }, "number_out_of_range"],
    ["half a pair", { a: "\ud800" }, "bad_unicode"],
    ["nothing between commas", "", "bad_json"],
    ["a text with a raw line break in a string", '{"a":"b\nc"}', "bad_json"],
    ["an empty key", { id: "" }, "bad_id"],
  ])("refuses %s", async (_name, item, code) => {
    await expect(all(readInline([{}, item]))).rejects.toMatchObject({ code: "bad_items", errors: [{ path: "items.1", code }] });
  });

  it("refuses cycles and depth", async () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    await expect(all(readInline([cycle]))).rejects.toMatchObject({
      errors: [{ code: "not_serialisable", message: expect.stringContaining("circular") }],
    });
    for (const depth of [65, 100_000]) {
      let deep: unknown = {};
      for (let i = 1; i < depth; i++) deep = { a: deep };
      await expect(all(readInline([deep]))).rejects.toMatchObject({ errors: [{ code: "too_deep" }] });
    }
  });

  it("names both positions of a repeated key, also of a number and of a numbered item", async () => {
    await expect(all(readInline([{ id: 1 }, { id: "a" }, { id: "1" }]))).rejects.toMatchObject({
      code: "duplicate_key",
      status: 400,
      message: expect.stringContaining("Key '1' is used by items 1 and 3"),
    });
    await expect(all(readInline([{ id: "item_2" }, {}]))).rejects.toMatchObject({ message: expect.stringContaining("items 1 and 2") });
  });

  it("refuses one item too many", async () => {
    await expect(all(readInline([{}, {}, {}], { maxItems: 2 }))).rejects.toMatchObject({ code: "too_many_items" });
  });
});
