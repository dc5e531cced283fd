import { createHash } from "node:crypto";
import type { MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { iso } from "../../model/clock.ts";
import { BatchyardError, invalid } from "../../model/errors.ts";
import type { FileRow } from "../../store/port.ts";
import { bodyBytes, hasNoBody, mediaType, sha256 } from "../body.ts";
import * as contract from "../contract/stored.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import { attachment } from "../download.ts";
import type { Idempotency } from "../idempotency.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

const TAG = "Files";
const params = z.strictObject({ id: z.string() });

/** Files: bytes in, bytes out, and what is known of them. */
export function fileRoutes(services: ApiServices, idempotency: Idempotency): Route[] {
  const { files, fileRows, clock, config } = services;
  const limit = config.limits.uploadBytes;

  return [
    route({
      method: "POST",
      path: "/api/files",
      summary: "Upload a file: multipart/form-data, or its bytes with ?filename=",
      tag: TAG,
      need: "operator",
      query: contract.fileQuery,
      reads: ["multipart/form-data", "application/octet-stream", "text/csv", "application/x-ndjson", "application/json"],
      creates: true,
      answers: { 201: contract.fileAnswer },
      async handle({ caller, query, request }) {
        const take = async (): Promise<Arrived> => (mediaType(request) === "multipart/form-data" ? await fromMultipart(request, limit) : fromRaw(request, query.filename));
        const drain = async (): Promise<string> => {
          const arrived = await take();
          const hash = await hashOf(arrived.bytes);
          arrived.check();
          return sha256(arrived.name, hash);
        };
        return await idempotency.run({ tenant: caller.tenant, request, text: null, drain }, async () => {
          const arrived = await take();
          const saved = await files(caller.tenant).save(arrived.bytes, { name: arrived.name, contentType: arrived.type, purpose: query.purpose, maxBytes: limit });
          try {
            arrived.check();
          } catch (error) {
            await files(caller.tenant).delete(saved.id);
            throw error;
          }
          return { status: 201, body: { success: true, file: wireFile(saved) }, contentHash: sha256(arrived.name, saved.sha256) };
        });
      },
    }),
    route({
      method: "GET",
      path: "/api/files",
      summary: "Files, newest first",
      tag: TAG,
      need: "viewer",
      query: contract.filesQuery,
      answers: { 200: contract.filesAnswer },
      async handle({ caller, query }) {
        const place = query.cursor === undefined ? null : readCursor("files", query.cursor, ["number", "string"]);
        const before = place === null ? null : { createdAt: Number(place[0]), id: String(place[1]) };
        const rows = await fileRows.list(caller.tenant, { before, limit: query.limit + 1 });
        const page = rows.slice(0, query.limit);
        const last = rows.length > query.limit ? page.at(-1) : undefined;
        return ok({ success: true, files: page.map(wireFile), nextCursor: last === undefined ? null : writeCursor("files", [last.createdAt, last.id]) });
      },
    }),
    route({
      method: "GET",
      path: "/api/files/:id",
      summary: "What is known of a file",
      tag: TAG,
      need: "viewer",
      params,
      answers: { 200: contract.fileAnswer },
      handle: async (call) => ok({ success: true, file: wireFile(await files(call.caller.tenant).get(call.params.id)) }),
    }),
    route({
      method: "GET",
      path: "/api/files/:id/content",
      summary: "The bytes of a file",
      tag: TAG,
      need: "viewer",
      params,
      answers: { 200: "application/octet-stream" },
      async handle(call) {
        const { file, stream } = await files(call.caller.tenant).open(call.params.id);
        if (call.request.method === "HEAD") stream.destroy();
        return {
          kind: "stream",
          stream,
          headers: { ...attachment(file.name, file.contentType), "content-length": String(file.bytes), etag: `"${file.sha256}"` },
        };
      },
    }),
    route({
      method: "DELETE",
      path: "/api/files/:id",
      summary: "Remove a file that no open batch reads",
      tag: TAG,
      need: "operator",
      params,
      answers: { 200: contract.deletedAnswer },
      async handle(call) {
        await files(call.caller.tenant).delete(call.params.id);
        return ok({ success: true, deleted: true });
      },
    }),
  ];

  function fromRaw(request: FastifyRequest, filename: string | undefined): Arrived {
    if (filename === undefined) throw invalid([{ path: "filename", message: "is required: ?filename=products.csv, or send multipart/form-data", code: "required" }]);
    if (hasNoBody(request)) throw new BatchyardError("empty_input");
    return { name: filename, type: mediaType(request) || "application/octet-stream", bytes: bodyBytes(request, { limit, clock }), check: () => undefined };
  }
}

interface Arrived {
  name: string;
  type: string;
  bytes: AsyncIterable<Uint8Array>;
  /** Throws what is only known after the bytes. */
  check(): void;
}

async function fromMultipart(request: FastifyRequest, limit: number): Promise<Arrived> {
  const declared = Number(request.headers["content-length"] ?? 0);
  // The boundaries and part headers around the file take a little room of their own.
  if (declared > limit + 65_536) throw new BatchyardError("too_large", { limit });
  let part: MultipartFile | undefined;
  try {
    part = await request.file({ limits: { fileSize: limit, files: 1, fields: 20, fieldSize: 65_536 }, throwFileSizeLimit: false });
  } catch (error) {
    throw new BatchyardError("validation_failed", { summary: `the multipart body cannot be read: ${error instanceof Error ? error.message : "unknown fault"}` });
  }
  if (part === undefined) throw invalid([{ path: "file", message: "is required: send one part with a file", code: "required" }]);
  const { file } = part;
  return {
    name: part.filename === "" ? "upload" : part.filename,
    type: part.mimetype,
    bytes: file,
    check() {
      if (file.truncated) throw new BatchyardError("too_large", { limit });
    },
  };
}

async function hashOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of bytes) hash.update(piece);
  return hash.digest("hex");
}

function wireFile(file: FileRow): z.output<typeof contract.file> {
  return {
    id: file.id,
    name: file.name,
    contentType: file.contentType,
    bytes: file.bytes,
    sha256: file.sha256,
    purpose: file.purpose,
    createdAt: new Date(file.createdAt).toISOString(),
    expiresAt: iso(file.expiresAt),
  };
}
