import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { BatchyardError } from "../model/errors.ts";

export interface UnpackOptions {
  /** The Content-Encoding header; only `gzip` (`x-gzip`) and `identity` are understood. */
  contentEncoding?: string | undefined;
  /** Bytes of the body after unpacking. */
  maxBytes: number;
  /** Bytes of the body as sent; unlimited when absent. */
  maxPackedBytes?: number | undefined;
}

const ACCEPTED = "plain text, or gzip announced by 'Content-Encoding: gzip'";

/**
 * The text bytes of a body, unpacked when it says so and never more than `maxBytes` of them. For item data only: a packed file
 * without the header is refused by its first bytes.
 * Throws unsupported_type (another encoding, zip, gzip within gzip, gzip without header), unpacked_too_large, too_large, bad_file (damaged gzip).
 */
export async function* unpack(body: AsyncIterable<Uint8Array>, options: UnpackOptions): AsyncGenerator<Uint8Array> {
  const encoding = (options.contentEncoding ?? "").trim().toLowerCase();
  const isGzip = encoding === "gzip" || encoding === "x-gzip";
  if (!isGzip && encoding !== "" && encoding !== "identity") throw unsupported(`Content-Encoding: ${options.contentEncoding}`);
  const packed = options.maxPackedBytes === undefined ? body : atMost(body, options.maxPackedBytes, "too_large");
  if (!isGzip) {
    yield* atMost(refusePacked(packed, ""), options.maxBytes, "too_large");
    return;
  }
  yield* atMost(refusePacked(gunzip(packed), " within gzip"), options.maxBytes, "unpacked_too_large");
}

async function* gunzip(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzipper = createGunzip({ chunkSize: 64 * 1024 });
  const source = Readable.from(packed, { objectMode: false });
  // A broken source must reach the reader as itself, not as damaged gzip.
  let broken: { error: unknown } | null = null;
  source.on("error", (error) => {
    broken ??= { error };
    gunzipper.destroy(error);
  });
  source.pipe(gunzipper);
  try {
    for await (const chunk of gunzipper) yield chunk as Uint8Array;
  } catch (error) {
    const cause = broken as { error: unknown } | null;
    if (cause !== null) throw cause.error;
    throw new BatchyardError(
      "bad_file",
      { format: "gzip", reason: error instanceof Error ? error.message : String(error) },
      { cause: error },
    );
  } finally {
    source.destroy();
    gunzipper.destroy();
  }
}

async function* atMost(
  bytes: AsyncIterable<Uint8Array>,
  limit: number,
  code: "too_large" | "unpacked_too_large",
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > limit) throw new BatchyardError(code, { limit });
    yield chunk;
  }
}

/** Looks at the first four bytes, however they are cut. */
async function* refusePacked(bytes: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<Uint8Array> {
  let head = Buffer.alloc(0);
  let isKnown = false;
  for await (const chunk of bytes) {
    if (isKnown) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 4) continue;
    isKnown = true;
    check(head, where);
    yield head;
  }
  if (isKnown || head.length === 0) return;
  check(head, where);
  yield head;
}

function check(head: Buffer, where: string): void {
  if (head[0] === 0x1f && head[1] === 0x8b) throw unsupported(where === "" ? "gzip without Content-Encoding" : `gzip${where}`);
  if (head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5) && (head[3] === 4 || head[3] === 6))
    throw unsupported(`zip${where}`);
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) throw unsupported(`zstd${where}`);
}

function unsupported(type: string): BatchyardError {
  return new BatchyardError("unsupported_type", { type, accepted: ACCEPTED });
}
