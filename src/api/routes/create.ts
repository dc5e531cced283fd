import type { Caller, CreateRequest, ItemSource } from "../../batches/service.ts";
import { inlineFaults, readInline } from "../../intake/inline.ts";
import { takeFirstLine } from "../../intake/lines.ts";
import { readNdjson } from "../../intake/ndjson.ts";
import { readBody } from "../../intake/slice-items.ts";
import { parseRequest } from "../contract/create-request.ts";
import { BatchyardError, type Fault, invalid } from "../../model/errors.ts";
import { newBatchId } from "../../model/ids.ts";
import { bodyText, mediaType, parseBody } from "../body.ts";
import * as contract from "../contract/batch.ts";
import type { Done, Idempotency } from "../idempotency.ts";
import { drained, lineBody, NDJSON } from "../line-body.ts";
import { route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { wireBatch } from "../wire/batch.ts";
import { batchMade } from "./batches.ts";

/** POST /api/batch/create: a JSON body with inline items, or NDJSON in constant memory. */
export function createRoutes(services: ApiServices, idempotency: Idempotency): Route[] {
  const { batches, clock, config, registry } = services;

  async function create(caller: Caller, request: CreateRequest, items: ItemSource | null, dryRun: boolean): Promise<Done> {
    if (dryRun) return { status: 200, body: { success: true, dryRun: true, ...(await batches.dryRun(caller, request, items)) } };
    return { status: 201, body: { success: true, batch: wireBatch(await batches.create(caller, request, items)) } };
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
      ingests: true,
      limited: true,
      answers: { 201: contract.batchAnswer, 200: contract.dryRunAnswer },
      async handle({ caller, query, request }) {
        const type = mediaType(request);
        const dryRun = query.dryRun === true;
        const promised = newBatchId(clock.now());
        if (query.stream !== undefined && !NDJSON.includes(type))
          throw new BatchyardError("unsupported_type", { type: type || "none", accepted: NDJSON.join(", ") });
        if (NDJSON.includes(type)) {
          const sent = { limit: config.limits.uploadBytes, clock };
          const drain = (): Promise<string> => drained(request, sent);
          return await idempotency.run(
            { tenant: caller.tenant, request, text: null, drain, promised, recover: (id) => batchMade(batches, caller, id) },
            async () => {
              const { blocks, digest } = lineBody(request, sent);
              const { first, rest, close } = await takeFirstLine(blocks);
              try {
                const parsed = parseRequest(parseLine(first), registry);
                const done = await create(
                  caller,
                  { ...parsed, id: promised },
                  readNdjson(rest, { maxItems: config.limits.maxItems }),
                  dryRun,
                );
                return { ...done, contentHash: digest() };
              } finally {
                // A request that is refused leaves lines unread; the connection goes on behind them.
                await close();
              }
            },
          );
        }
        const text = await bodyText(request, { limit: config.limits.bodyBytes, clock });
        if (text.trim() !== "" && type !== "application/json") {
          throw new BatchyardError("unsupported_type", { type: type || "none", accepted: ["application/json", ...NDJSON].join(", ") });
        }
        return await idempotency.run(
          { tenant: caller.tenant, request, text, promised, recover: (id) => batchMade(batches, caller, id) },
          async () => {
            const { items, rest } = readBody(text);
            const { request: given, misfit } = withoutItems(JSON.parse(rest), items);
            const maxItems = config.limits.maxItems;
            const parsed = parseRequest(given, registry, () => (items === null ? misfit : inlineFaults(items, { maxItems })));
            if (misfit.length > 0) throw invalid(misfit);
            return await create(caller, { ...parsed, id: promised }, items === null ? null : readInline(items, { maxItems }), dryRun);
          },
        );
      },
    }),
  ];
}

/** The request without the `[]` that stands where its items were cut out, and the fault of items that were none to cut out. */
function withoutItems(value: unknown, items: string[] | null): { request: unknown; misfit: Fault[] } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { request: value, misfit: [] };
  const { items: given, ...request } = value as Record<string, unknown>;
  const isMisfit = items === null && given !== undefined;
  return { request, misfit: isMisfit ? [{ path: "items", message: "must be an array of objects", code: "invalid_type" }] : [] };
}

function parseLine(line: string | null): unknown {
  if (line === null) throw new BatchyardError("empty_input");
  const value = parseBody(line, false);
  if (typeof value === "object" && value !== null && "items" in value) {
    throw invalid([{ path: "items", message: "a stream's items are the lines after the request", code: "unknown_field" }]);
  }
  return value;
}
