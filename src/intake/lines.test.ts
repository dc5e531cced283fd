import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitLines, takeFirstLine } from "./lines.ts";
import type { SplitOptions } from "./lines.ts";

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function linesOf(source: string | Uint8Array, size = 7, options: SplitOptions = {}): Promise<[number, string][]> {
  const all: [number, string][] = [];
  for await (const block of splitLines(inPieces(Buffer.from(source as string), size), options)) {
    expect(block.lines.length).toBe(block.numbers.length);
    for (const [i, line] of block.lines.entries()) all.push([block.numbers[i]!, line]);
  }
  return all;
}

describe("splitLines", () => {
  it.each([
    [
      "no last line break",
      "a\nb",
      [
        [1, "a"],
        [2, "b"],
      ],
    ],
    [
      "BOM and CRLF",
      "\uFEFFa\r\nb\r\n",
      [
        [1, "a"],
        [2, "b"],
      ],
    ],
    [
      "blank lines",
      "\n \t\r\na\n\n\n  b\n \n",
      [
        [3, "a"],
        [6, "  b"],
      ],
    ],
    ["nothing", "", []],
    ["a BOM only", "\uFEFF", []],
    ["only blank lines", "\n\r\n  \n", []],
    ["one character", "x", [[1, "x"]]],
    ["three characters and a line break", "xyz\n", [[1, "xyz"]]],
    [
      "wide characters",
      "é\n€😀\n",
      [
        [1, "é"],
        [2, "€😀"],
      ],
    ],
  ])("%s", async (_name, text, expected) => {
    for (const size of [1, 2, 3, 5, 1000]) expect(await linesOf(text, size)).toEqual(expected);
  });

  it("splits any text like a plain split, however it is cut", async () => {
    const part = fc.oneof(fc.constantFrom("\n", "\r\n", "", " ", "é", "😀", "x".repeat(5000)), fc.string({ unit: "binary" }));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 9000 }), async (parts, size) => {
        // The first line pins the encoding: NULs and marks at the very start have their own tests.
        const text = `start\n${parts.join("").toWellFormed()}`;
        const expected = text.split("\n").map((line, i) => [i + 1, line.endsWith("\r") ? line.slice(0, -1) : line] as const);
        expect(await linesOf(text, size)).toEqual(expected.filter(([, line]) => !/^[ \t\r]*$/.test(line)));
      }),
      { numRuns: 100 },
    );
  });

  it("cuts large pieces into blocks", async () => {
    const text = `${"x".repeat(99)}\n`.repeat(10_000);
    const blocks = [];
    for await (const block of splitLines(inPieces(Buffer.from(text), text.length))) blocks.push(block);
    expect(blocks.length).toBeGreaterThan(5);
    expect(blocks.reduce((sum, block) => sum + block.lines.length, 0)).toBe(10_000);
    expect(blocks.reduce((sum, block) => sum + block.bytes, 0)).toBe(text.length);
  });

  it.each([
    ["UTF-16 little endian", Buffer.from('\uFEFF{"a":1}\n', "utf16le"), "UTF-16"],
    ["UTF-16 big endian", Buffer.from('\uFEFF{"a":1}\n', "utf16le").swap16(), "UTF-16"],
    ["UTF-16 without mark", Buffer.from('{"a":1}\n', "utf16le"), "UTF-16"],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]), "UTF-32"],
  ])("refuses %s", async (_name, bytes, encoding) => {
    for (const size of [1, 3, 1000]) {
      await expect(linesOf(bytes, size)).rejects.toMatchObject({
        code: "bad_encoding",
        status: 415,
        message: `The text is ${encoding}; save it as UTF-8`,
      });
    }
  });

  it("names line and byte of what is not UTF-8", async () => {
    const bytes = Buffer.concat([
      Buffer.from("{}\n".repeat(6)),
      Buffer.from([0x22, 0xc3, 0x28, 0x22, 0x0a]),
      Buffer.from("é\n"),
      Buffer.from([0xff, 0x0a]),
    ]);
    for (const size of [1, 4, 1000]) {
      await expect(linesOf(bytes, size)).rejects.toMatchObject({
        code: "bad_items",
        status: 400,
        errors: expect.arrayContaining([
          {
            path: "line 7",
            code: "bad_encoding",
            message: expect.stringContaining("byte 2 of the line (byte offset 19 of the text) is 0xC3"),
          },
        ]),
      });
    }
    await expect(linesOf(bytes, 1000)).rejects.toMatchObject({ errors: [{ path: "line 7" }, { path: "line 9" }] });
  });

  it.each([1, 3, 10, 1000])("takes a line of exactly the limit and refuses one byte more (pieces of %i)", async (size) => {
    const options = { maxLineBytes: 10 };
    expect(await linesOf("a\n0123456789\r\n01234é678\n0123456789", size, options)).toHaveLength(4);
    expect(await linesOf("0123456789\r", size, options)).toEqual([[1, "0123456789"]]);
    for (const text of ["a\n0123456789x\n", "a\n0123456789x", "a\n01234é6789", "a\n0123456789\rx", "a\n0123456789x\r\n"]) {
      await expect(linesOf(text, size, options)).rejects.toMatchObject({
        code: "line_too_long",
        status: 413,
        message: "Line 2 is longer than 10 bytes",
      });
    }
  });

  it("stops reading an endless line at the limit", async () => {
    let sent = 0;
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          sent += 65_536;
          yield Buffer.alloc(65_536, 0x78);
        }
      } finally {
        closed = true;
      }
    }
    const reading = async (): Promise<void> => {
      for await (const block of splitLines(endless())) expect(block).toBeUndefined();
    };
    await expect(reading()).rejects.toMatchObject({ code: "line_too_long", message: "Line 1 is longer than 1048576 bytes" });
    expect(sent).toBeLessThanOrEqual(1_048_576 + 65_536);
    expect(closed).toBe(true);
  });
});

describe("takeFirstLine", () => {
  it("parts the first line from the others and keeps their numbers", async () => {
    const head = await takeFirstLine(splitLines(inPieces(Buffer.from("\nhead\na\n\nb"), 3)));
    expect(head.first).toBe("head");
    const rest: [number, string][] = [];
    for await (const block of head.rest) for (const [i, line] of block.lines.entries()) rest.push([block.numbers[i]!, line]);
    expect(rest).toEqual([
      [3, "a"],
      [5, "b"],
    ]);
  });

  it("answers null for nothing, and closes the source", async () => {
    expect((await takeFirstLine(splitLines(inPieces(Buffer.from("\n\n"), 3)))).first).toBeNull();
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from("head\n");
        yield Buffer.from("more\n");
      } finally {
        closed = true;
      }
    }
    const head = await takeFirstLine(splitLines(source()));
    await head.close();
    expect(closed).toBe(true);
  });
});
