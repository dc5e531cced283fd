import type { FastifyRequest } from "fastify";
import type { Caller, CreateRequest, ItemSource } from "../../batches/service.ts";
import { readInline } from "../../intake/inline.ts";
import { type LineBlock, splitLines } from "../../intake/lines.ts";
import { readNdjson } from "../../intake/ndjson.ts";
import { readBody } from "../../intake/slice-items.ts";
import { unpack } from "../../intake/unpack.ts";
import { ownOptions, sharedOptions } from "../../batches/options.ts";
import { BatchyardError, type Fault, invalid } from "../../model/errors.ts";
import { newBatchId } from "../../model/ids.ts";
import { runOptions } from "../../model/run-options.ts";
import { faultsOf } from "../../model/schema-faults.ts";
import type { Registry } from "../../operations/registry.ts";
import { bodyBytes, bodyText, hashing, mediaType, parseBody } from "../body.ts";
import * as contract from "../contract/batch.ts";
import type { Done, Idempotency } from "../idempotency.ts";
import { route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { wireBatch } from "../wire/batch.ts";

const NDJSON = ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];

/** POST /api/batch/create: a JSON body with inline items, or NDJSON in constant memory. */
export function createRoutes(services: ApiServices, idempotency: Idempotency): Route[] {
  const { batches, clock, config, registry } = services;

  async function create(caller: Caller, request: CreateRequest, items: ItemSource | null, dryRun: boolean): Promise<Done> {
    if (dryRun) return { status: 200, body: { success: true, dryRun: true, ...(await batches.dryRun(caller, request, items)) } };
    return { status: 201, body: { success: true, batch: wireBatch(await batches.create(caller, request, items)) } };
  }

  async function recover(caller: Caller, id: string): Promise<Done | null> {
    const batch = await batches.get(caller, id).catch(() => null);
    return batch === null ? null : { status: 201, body: { success: true, batch: wireBatch(batch) } };
  }

  /** The bytes of an NDJSON body, unpacked; hashed as they come. */
  function upload(request: FastifyRequest): { blocks: AsyncIterable<LineBlock>; digest(): string } {
    const limit = config.limits.uploadBytes;
    const { bytes, digest } = hashing(bodyBytes(request, { limit, clock }));
    return { blocks: splitLines(unpack(bytes, { contentEncoding: request.headers["content-encoding"], maxBytes: limit })), digest };
  }

  return [
    route({
      method: "POST",
      path: "/api/batch/create",
      summary: "Create a batch",
      tag: "Batches",
      need: "operator",
      query: contract.createQuery,
      reads: ["application/json", ...NDJSON],
      readsSchema: contract.createBody,
      creates: true,
      limited: true,
      answers: { 201: contract.batchAnswer, 200: contract.dryRunAnswer },
      async handle({ caller, query, request }) {
        const type = mediaType(request);
        const dryRun = query.dryRun === true;
        const promised = newBatchId(clock.now());
        if (query.stream !== undefined && !NDJSON.includes(type)) throw new BatchyardError("unsupported_type", { type, accepted: NDJSON.join(", ") });
        if (NDJSON.includes(type)) {
          const drain = async (): Promise<string> => {
            const { blocks, digest } = upload(request);
            const iterator = blocks[Symbol.asyncIterator]();
            while ((await iterator.next()).done !== true);
            return digest();
          };
          return await idempotency.run({ tenant: caller.tenant, request, text: null, drain, promised, recover: (id) => recover(caller, id) }, async () => {
            const { blocks, digest } = upload(request);
            const { first, rest } = await firstLine(blocks);
            const parsed = requestOf(parseLine(first), registry);
            const done = await create(caller, { ...parsed, id: promised }, readNdjson(rest, { maxItems: config.limits.maxItems }), dryRun);
            return { ...done, contentHash: digest() };
          });
        }
        const text = await bodyText(request, { limit: config.limits.bodyBytes, clock });
        if (text.trim() !== "" && type !== "application/json") {
          throw new BatchyardError("unsupported_type", { type, accepted: ["application/json", ...NDJSON].join(", ") });
        }
        return await idempotency.run({ tenant: caller.tenant, request, text, promised, recover: (id) => recover(caller, id) }, async () => {
          const { items, rest } = readBody(text);
          const parsed = requestOf(withoutItems(JSON.parse(rest), items), registry);
          return await create(caller, { ...parsed, id: promised }, items === null ? null : readInline(items, { maxItems: config.limits.maxItems }), dryRun);
        });
      },
    }),
  ];
}

/** The request without the `[]` that stands where its items were cut out. */
function withoutItems(value: unknown, items: string[] | null): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { items: given, ...request } = value as Record<string, unknown>;
  if (items === null && given !== undefined) throw invalid([{ path: "items", message: "must be an array of objects", code: "invalid_type" }]);
  return request;
}

/** The request; when it has faults, those of its options are said with them, so that one answer is enough to mend it. */
function requestOf(value: unknown, registry: Registry): CreateRequest {
  const parsed = contract.createRequest.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid([...faultsOf(parsed.error, contract.createRequest, value), ...optionFaults(value, registry)]);
}

function optionFaults(value: unknown, registry: Registry): Fault[] {
  if (typeof value !== "object" || value === null) return [];
  const { operation, options } = value as Record<string, unknown>;
  if (typeof options !== "object" || options === null || Array.isArray(options)) return [];
  const shared = sharedOptions(options as Record<string, unknown>);
  const own = ownOptions(options as Record<string, unknown>);
  const run = runOptions.safeParse(shared);
  const faults = run.success ? [] : faultsOf(run.error, runOptions, shared);
  if (typeof operation === "string" && registry.has(operation)) {
    const schema = registry.get(operation).options;
    const parsed = schema.safeParse(own);
    if (!parsed.success) faults.push(...faultsOf(parsed.error, schema, own));
  }
  return faults.map((fault) => ({ ...fault, path: fault.path === "" ? "options" : `options.${fault.path}` }));
}

function parseLine(line: string | null): unknown {
  if (line === null) throw new BatchyardError("empty_input");
  const value = parseBody(line, false);
  if (typeof value === "object" && value !== null && "items" in value) {
    throw invalid([{ path: "items", message: "a stream's items are the lines after the request", code: "unknown_field" }]);
  }
  return value;
}

/** Takes the first line off; the rest keeps its line numbers. */
async function firstLine(blocks: AsyncIterable<LineBlock>): Promise<{ first: string | null; rest: AsyncIterable<LineBlock> }> {
  const iterator = blocks[Symbol.asyncIterator]();
  const start = await iterator.next();
  async function* rest(): AsyncGenerator<LineBlock> {
    try {
      if (start.done === true) return;
      if (start.value.lines.length > 1) yield { lines: start.value.lines.slice(1), numbers: start.value.numbers.slice(1), bytes: start.value.bytes };
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { first: start.done === true ? null : (start.value.lines[0] ?? null), rest: rest() };
}
