import { gzipSync, createGzip, brotliCompressSync, deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { unpack } from "./unpack.ts";
import type { UnpackOptions } from "./unpack.ts";

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function unpacked(bytes: Uint8Array, options: Partial<UnpackOptions> = {}, size = 1000): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of unpack(inPieces(bytes, size), { maxBytes: 1_000_000, ...options })) parts.push(part);
  return Buffer.concat(parts).toString();
}

const text = '{"id":1}\n'.repeat(1000);
const plain = Buffer.from(text);

describe("unpack", () => {
  it.each([undefined, "", "identity"])("passes plain bytes on (%s)", async (contentEncoding) => {
    for (const size of [1, 1000]) expect(await unpacked(plain, { contentEncoding }, size)).toBe(text);
    expect(await unpacked(Buffer.alloc(0), { contentEncoding })).toBe("");
    expect(await unpacked(Buffer.from("{}"), { contentEncoding })).toBe("{}");
  });

  it.each(["gzip", "GZIP", "x-gzip"])("unpacks %s", async (contentEncoding) => {
    for (const size of [1, 1000]) expect(await unpacked(gzipSync(plain), { contentEncoding }, size)).toBe(text);
    expect(await unpacked(Buffer.concat([gzipSync("{}\n"), gzipSync("[]\n")]), { contentEncoding })).toBe("{}\n[]\n");
  });

  const zip = Buffer.from([0x50, 0x4b, 3, 4, 20, 0, 0, 0]);
  it.each([
    ["br", brotliCompressSync(plain), "br"],
    ["deflate", deflateSync(plain), "deflate"],
    ["two codings", gzipSync(gzipSync(plain)), "gzip, gzip"],
    ["nested gzip", gzipSync(gzipSync(plain)), "gzip"],
    ["zip within gzip", gzipSync(zip), "gzip"],
    ["gzip without header", gzipSync(plain), undefined],
    ["zip", zip, undefined],
    ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]), undefined],
  ])("refuses %s", async (_name, bytes, contentEncoding) => {
    for (const size of [1, 1000])
      await expect(unpacked(bytes, { contentEncoding }, size)).rejects.toMatchObject({ code: "unsupported_type", status: 415 });
  });

  it.each([
    ["cut", gzipSync(plain).subarray(0, 40)],
    ["no gzip at all", plain],
    ["damaged", Buffer.from(gzipSync(plain)).fill(0xff, 20, 40)],
  ])("refuses gzip that is %s", async (_name, bytes) => {
    await expect(unpacked(bytes, { contentEncoding: "gzip" })).rejects.toMatchObject({ code: "bad_file", status: 400 });
  });

  it("holds to its limits, at and one beyond", async () => {
    const packed = gzipSync(plain);
    const gzip = { contentEncoding: "gzip" };
    expect(await unpacked(packed, { ...gzip, maxBytes: plain.length, maxPackedBytes: packed.length })).toBe(text);
    await expect(unpacked(packed, { ...gzip, maxBytes: plain.length - 1 })).rejects.toMatchObject({
      code: "unpacked_too_large",
      status: 413,
    });
    await expect(unpacked(packed, { ...gzip, maxPackedBytes: packed.length - 1 })).rejects.toMatchObject({
      code: "too_large",
      status: 413,
    });
    expect(await unpacked(plain, { maxBytes: plain.length })).toBe(text);
    await expect(unpacked(plain, { maxBytes: plain.length - 1 })).rejects.toMatchObject({ code: "too_large", status: 413 });
  });

  it("stops a bomb at the limit, without unpacking the rest", async () => {
    const gzip = createGzip({ level: 1 });
    const packed: Buffer[] = [];
    gzip.on("data", (part: Buffer) => packed.push(part));
    const zeros = Buffer.alloc(1 << 20);
    for (let i = 0; i < 64; i++) gzip.write(zeros);
    await new Promise<void>((resolve) => gzip.end(resolve));
    const before = process.memoryUsage().arrayBuffers;
    await expect(unpacked(Buffer.concat(packed), { contentEncoding: "gzip", maxBytes: 1_000_000 })).rejects.toMatchObject({
      code: "unpacked_too_large",
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
  });

  it("hands on what breaks the source, and closes it when the reader stops", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield gzipSync(plain).subarray(0, 30);
      throw new Error("connection reset");
    }
    const reading = async (): Promise<void> => {
      for await (const part of unpack(broken(), { contentEncoding: "gzip", maxBytes: 1e6 })) expect(part).toBeDefined();
    };
    await expect(reading()).rejects.toThrow("connection reset");

    let closed: (() => void) | undefined;
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield gzipSync(plain);
      } finally {
        closed!();
      }
    }
    for await (const part of unpack(endless(), { contentEncoding: "gzip", maxBytes: 1e9 })) {
      expect(part.length).toBeGreaterThan(0);
      break;
    }
    await isClosed;
  });
});
