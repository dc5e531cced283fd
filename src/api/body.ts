import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { CONTROL_LIMITS, JsonScanner, type ScanLimits, VALUE_LIMITS } from "../intake/scan.ts";
import type { Clock } from "../model/clock.ts";
import { BatchyardError, invalid } from "../model/errors.ts";

// A client that sends less than this in that time of waiting is not uploading, it is holding a socket.
const PACE_BYTES = 1024;
const PACE_MS = 30_000;

/**
 * Results and records are data: as large as a body may be, any property names. They are parsed and written again, so an integer
 * that a double cannot hold is refused rather than changed.
 */
const CARRIED_LIMITS: ScanLimits = { ...VALUE_LIMITS, maxKeys: 5_000_000, maxDepth: 66, refuseInexactIntegers: true };

/** Bytes of a request body as they arrive. Throws too_large (at once when the length is declared) and upload_too_slow; breaking off throws too. */
export async function* bodyBytes(request: FastifyRequest, options: { limit: number; clock: Clock }): AsyncGenerator<Uint8Array> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > options.limit) throw new BatchyardError("too_large", { limit: options.limit });
  yield* measured(paced(request.raw, options.clock), options.limit);
}

/** The whole body as text, for JSON. Throws bad_encoding besides. */
export async function bodyText(request: FastifyRequest, options: { limit: number; clock: Clock }): Promise<string> {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    throw new BatchyardError("unsupported_type", { type: `Content-Encoding: ${encoding}`, accepted: "an unpacked JSON body" });
  const pieces: Uint8Array[] = [];
  for await (const piece of bodyBytes(request, options)) pieces.push(piece);
  return decode(pieces.length === 1 ? Buffer.from(pieces[0]!) : Buffer.concat(pieces));
}

/** Parses a control body (or carried data), refusing what JSON allows and we do not; undefined when it is blank. */
export function parseBody(text: string, carries: boolean): unknown {
  if (text.trim() === "") return undefined;
  const fault = new JsonScanner(carries ? CARRIED_LIMITS : CONTROL_LIMITS).scan(text);
  if (fault === null) return JSON.parse(text) as unknown;
  const position = positionOf(text, fault.column - 1);
  if (fault.code === "bad_json") throw new BatchyardError("bad_json", { reason: `${position}: ${fault.message}` });
  if (fault.code === "forbidden_key") throw new BatchyardError("forbidden_key", { name: fault.key ?? "" });
  throw invalid([{ path: "", code: fault.code, message: `${position}: ${fault.message}` }]);
}

/** The media type of a request without parameters, lower case; "" without one. */
export function mediaType(request: FastifyRequest): string {
  return (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
}

/** No body at all: nothing declared, or a declared length of zero. */
export function hasNoBody(request: FastifyRequest): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] === undefined && (length === undefined || length === "0");
}

export function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

/** Hands bytes through while hashing them; `digest` is there at the end. */
export function hashing(source: AsyncIterable<Uint8Array>): { bytes: AsyncIterable<Uint8Array>; digest(): string } {
  const hash = createHash("sha256");
  async function* through(): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      hash.update(piece);
      yield piece;
    }
  }
  return { bytes: through(), digest: () => hash.copy().digest("hex") };
}

function decode(bytes: Buffer): string {
  if (bytes.length >= 2 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))) {
    throw new BatchyardError("bad_encoding", { encoding: "UTF-16" });
  }
  if (!isUtf8(bytes)) throw new BatchyardError("bad_encoding", { encoding: "not valid UTF-8" });
  return bytes.toString("utf8", bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
}

async function* measured(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const piece of source) {
    total += piece.length;
    if (total > limit) throw new BatchyardError("too_large", { limit });
    yield piece;
  }
}

/**
 * The pieces of a body, or of a part of one, as the client sends them. Counts only the time spent waiting for the client: a slow
 * consumer on our side is not the client's fault. Throws upload_too_slow.
 */
export async function* paced(raw: Readable, clock: Clock): AsyncGenerator<Uint8Array> {
  // Leaving early must not destroy the socket under the answer: what still arrives is thrown away instead.
  const pieces = raw.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  let waitedMs = 0;
  let bytes = 0;
  try {
    for (;;) {
      const since = clock.now();
      const next = await within(pieces.next(), Math.max(0, PACE_MS - waitedMs), clock);
      if (next.done === true) return;
      waitedMs += Math.max(0, clock.now() - since);
      bytes += next.value.length;
      if (bytes >= PACE_BYTES) waitedMs = bytes = 0;
      yield next.value;
    }
  } finally {
    void pieces.return?.().then(() => raw.resume());
  }
}

/** What a client sends next, if it does so in time. Throws upload_too_slow. */
export function soon<T>(promise: Promise<T>, clock: Clock): Promise<T> {
  return within(promise, PACE_MS, clock);
}

function within<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new BatchyardError("upload_too_slow", { seconds: PACE_MS / 1000 })));
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

function positionOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}
