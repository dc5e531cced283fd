import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { iso } from "../../model/clock.ts";
import { invalid } from "../../model/errors.ts";
import type { FileRow } from "../../store/port.ts";
import { type ArrivedFile, oneFile } from "../multipart.ts";
import { bodyBytes, hasNoBody, mediaType, sha256 } from "../body.ts";
import * as contract from "../contract/stored.ts";
import { decodeCursor, encodeCursor } from "../../batches/cursor.ts";
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
        const take = async (): Promise<ArrivedFile> =>
          mediaType(request) === "multipart/form-data" ? await oneFile(request, { limit, clock }) : fromRaw(request, query.filename);
        const drain = async (): Promise<string> => {
          const arrived = await take();
          const hash = await hashOf(arrived.bytes);
          await arrived.check();
          return sha256(arrived.name, hash);
        };
        return await idempotency.run({ tenant: caller.tenant, request, text: null, drain }, async () => {
          const arrived = await take();
          const saved = await files(caller.tenant).save(arrived.bytes, {
            name: arrived.name,
            contentType: plainType(arrived.type),
            purpose: query.purpose ?? arrived.purpose,
            maxBytes: limit,
          });
          try {
            await arrived.check();
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
        const place = query.cursor === undefined ? null : decodeCursor("files", query.cursor, ["number", "string"]);
        const before = place === null ? null : { createdAt: Number(place[0]), id: String(place[1]) };
        const rows = await fileRows.list(caller.tenant, { before, limit: query.limit + 1 });
        const page = rows.slice(0, query.limit);
        const last = rows.length > query.limit ? page.at(-1) : undefined;
        return ok({
          success: true,
          files: page.map(wireFile),
          nextCursor: last === undefined ? null : encodeCursor("files", [last.createdAt, last.id]),
        });
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

  function fromRaw(request: FastifyRequest, filename: string | undefined): ArrivedFile {
    if (filename === undefined)
      throw invalid([{ path: "filename", message: "is required: ?filename=products.csv, or send multipart/form-data", code: "required" }]);
    if (hasNoBody(request)) throw invalid([{ path: "", message: "the body is empty; send the bytes of the file", code: "required" }]);
    return {
      name: filename,
      type: mediaType(request),
      purpose: undefined,
      bytes: bodyBytes(request, { limit, clock }),
      check: async () => undefined,
    };
  }
}

/** The type goes out as a header of the download, so it is one or it is none. */
function plainType(type: string): string {
  return /^[a-z0-9!#$&^_.+-]{1,100}\/[a-z0-9!#$&^_.+-]{1,100}$/i.test(type) ? type : "application/octet-stream";
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
