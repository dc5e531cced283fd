import { z } from "zod";
import { newId } from "../../model/ids.ts";
import { BatchyardError } from "../../model/errors.ts";
import { outOfRange, parseCreate } from "../../openai/create-request.ts";
import { wrongType, wrongValue } from "../../openai/error.ts";
import { MAX_FILE_BYTES } from "../../openai/input-file.ts";
import { noFile } from "../../openai/service.ts";
import { wireFile } from "../../openai/wire.ts";
import { bodyText, hashing, mediaType, parseBody, sha256 } from "../body.ts";
import * as contract from "../contract/openai.ts";
import { attachment } from "../download.ts";
import type { Idempotency } from "../idempotency.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { arrivingFile } from "./upload.ts";

const TAG = "OpenAI";
const params = z.strictObject({ id: z.string() });
const MOST_FILES = 10_000;

/** The surface of OpenAI's own clients: files, batches, models. Errors have OpenAI's envelope; see src/api/failures.ts. */
export function openAiRoutes(services: ApiServices, idempotency: Idempotency): Route[] {
  const { openai, files, clock, config } = services;
  const limit = Math.min(MAX_FILE_BYTES, config.limits.uploadBytes);

  return [
    route({
      method: "POST",
      path: "/v1/files",
      summary: "Upload a file: a form with `file` and `purpose`",
      tag: TAG,
      need: "operator",
      reads: ["multipart/form-data"],
      creates: true,
      answers: { 200: contract.file },
      async handle({ caller, request }) {
        if (mediaType(request) !== "multipart/form-data")
          throw new BatchyardError("unsupported_type", { type: mediaType(request) || "none", accepted: "multipart/form-data" });
        const drain = async (): Promise<string> => {
          const { name, bytes, fields } = await arrivingFile(request, { limit, clock });
          const hashed = hashing(bytes);
          const pieces = hashed.bytes[Symbol.asyncIterator]();
          while ((await pieces.next()).done !== true);
          return contentOf(name, await fields(), hashed.digest());
        };
        return await idempotency.run({ tenant: caller.tenant, request, text: null, drain }, async () => {
          const { name, type, bytes, fields } = await arrivingFile(request, { limit, clock });
          let found = { purpose: "", expiresAfterSeconds: 0 };
          const saved = await files(caller.tenant).save(bytes, {
            name,
            contentType: type,
            maxBytes: limit,
            async arrived() {
              found = await fields();
              return { purpose: found.purpose, expiresAt: clock.now() + found.expiresAfterSeconds * 1000 };
            },
          });
          return { status: 200, body: wireFile(saved), contentHash: contentOf(name, found, saved.sha256) };
        });
      },
    }),
    route({
      method: "GET",
      path: "/v1/files",
      summary: "Files, newest first",
      tag: TAG,
      need: "viewer",
      query: contract.filesQuery,
      answers: { 200: contract.filePage },
      async handle({ caller, query }) {
        const order = query.order ?? "desc";
        if (order !== "asc" && order !== "desc") throw wrongValue("order", order, ["asc", "desc"]);
        const { after, purpose } = query;
        return ok(await openai.files(caller, { after, purpose, order, limit: limitOf(query.limit, MOST_FILES, MOST_FILES) }));
      },
    }),
    route({
      method: "GET",
      path: "/v1/files/:id",
      summary: "What is known of a file",
      tag: TAG,
      need: "viewer",
      params,
      answers: { 200: contract.file },
      handle: async (call) => ok(wireFile(await openai.file(call.caller, call.params.id))),
    }),
    route({
      method: "GET",
      path: "/v1/files/:id/content",
      summary: "The bytes of a file",
      tag: TAG,
      need: "viewer",
      params,
      answers: { 200: "application/octet-stream" },
      async handle({ caller, params: { id }, request }) {
        await openai.file(caller, id);
        const { file, stream } = await files(caller.tenant).open(id).catch(asNoFile(id));
        if (request.method === "HEAD") stream.destroy();
        return { kind: "stream", stream, headers: { ...attachment(file.name, file.contentType), "content-length": String(file.bytes) } };
      },
    }),
    route({
      method: "DELETE",
      path: "/v1/files/:id",
      summary: "Remove a file",
      tag: TAG,
      need: "operator",
      params,
      answers: { 200: contract.deletedFile },
      async handle({ caller, params: { id } }) {
        await openai.file(caller, id);
        await files(caller.tenant).delete(id).catch(asNoFile(id));
        return ok({ id, object: "file", deleted: true });
      },
    }),
    route({
      method: "POST",
      path: "/v1/batches",
      summary: "Create a batch from an uploaded file of requests",
      tag: TAG,
      ingests: true,
      need: "operator",
      reads: ["application/json"],
      readsSchema: contract.createBody,
      creates: true,
      limited: true,
      answers: { 200: contract.batch },
      async handle({ caller, request }) {
        const text = await bodyText(request, { limit: config.limits.bodyBytes, clock });
        if (text !== "" && mediaType(request) !== "application/json")
          throw new BatchyardError("unsupported_type", { type: mediaType(request) || "none", accepted: "application/json" });
        const id = newId("batch");
        const repeated = Number(request.headers["x-stainless-retry-count"] ?? 0) >= 1;
        const recover = async (promised: string) => {
          const body = await openai.find(caller, promised);
          return body === null ? null : { status: 200, body };
        };
        return await idempotency.run({ tenant: caller.tenant, request, text, promised: id, recover }, async () => ({
          status: 200,
          body: await openai.create(caller, parseCreate(parseBody(text, false)), { id, repeated }),
        }));
      },
    }),
    route({
      method: "GET",
      path: "/v1/batches",
      summary: "Batches, newest first",
      tag: TAG,
      need: "viewer",
      query: contract.batchesQuery,
      answers: { 200: contract.batchPage },
      handle: async ({ caller, query }) => ok(await openai.list(caller, { after: query.after, limit: limitOf(query.limit, 100, 20) })),
    }),
    route({
      method: "GET",
      path: "/v1/batches/:id",
      summary: "Where a batch stands",
      tag: TAG,
      need: "viewer",
      params,
      answers: { 200: contract.batch },
      handle: async (call) => ok(await openai.get(call.caller, call.params.id)),
    }),
    route({
      method: "POST",
      path: "/v1/batches/:id/cancel",
      summary: "Cancel a batch; what it has done is kept",
      tag: TAG,
      need: "operator",
      params,
      answers: { 200: contract.batch },
      handle: async (call) => ok(await openai.cancel(call.caller, call.params.id)),
    }),
    route({
      method: "GET",
      path: "/v1/models",
      summary: "Models that answer the lines of batches",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.modelsAnswer },
      handle: async ({ caller }) =>
        ok({
          object: "list",
          data: openai.models(caller).map(({ id, created, ownedBy }) => ({ id, object: "model", created, owned_by: ownedBy })),
        }),
    }),
  ];
}

function contentOf(name: string, { purpose, expiresAfterSeconds }: { purpose: string; expiresAfterSeconds: number }, hash: string): string {
  return sha256(name, purpose, String(expiresAfterSeconds), hash);
}

/** Removed between two steps. */
function asNoFile(id: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof BatchyardError && error.code === "file_not_found" ? noFile(id) : error;
  };
}

function limitOf(value: number | undefined, most: number, fallback: number): number {
  if (value === undefined) return fallback;
  if (!Number.isInteger(value)) throw wrongType("limit", "an integer", value);
  if (value < 1 || value > most) throw outOfRange("limit", value, 1, most);
  return value;
}
