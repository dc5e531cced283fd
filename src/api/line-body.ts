import type { FastifyRequest } from "fastify";
import { type LineBlock, splitLines } from "../intake/lines.ts";
import { unpack } from "../intake/unpack.ts";
import type { Clock } from "../model/clock.ts";
import { bodyBytes, hashing } from "./body.ts";

/** Media types of one JSON value a line. */
export const NDJSON = ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];

/** The lines of a body as they come, unpacked; `digest` is that of the bytes as they were sent, and there at the end. `limit` in bytes. */
export function lineBody(
  request: FastifyRequest,
  { limit, clock }: { limit: number; clock: Clock },
): { blocks: AsyncIterable<LineBlock>; digest(): string } {
  const { bytes, digest } = hashing(bodyBytes(request, { limit, clock }));
  return { blocks: splitLines(unpack(bytes, { contentEncoding: request.headers["content-encoding"], maxBytes: limit })), digest };
}

/** The digest of a body whose lines nobody needs. */
export async function drained(request: FastifyRequest, options: { limit: number; clock: Clock }): Promise<string> {
  const { blocks, digest } = lineBody(request, options);
  const lines = blocks[Symbol.asyncIterator]();
  while ((await lines.next()).done !== true);
  return digest();
}
