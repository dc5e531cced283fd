import type { z } from "zod";
import { BatchyardError, invalid } from "../../model/errors.ts";
import type { CollectionRecord, RecordFilter } from "../../store/port.ts";
import { parseBody } from "../body.ts";
import { tooComplex, toRecordFilter } from "../../operations/language/record-filter.ts";
import * as contract from "../contract/stored.ts";
import { decodeCursor, encodeCursor } from "../../batches/cursor.ts";
import { toMs } from "../dispatch.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

const TAG = "Collections";

/** Collections: records that operations read and write, by key. */
export function collectionRoutes({ records, clock }: ApiServices): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/collections",
      summary: "Collections with their number of records",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.collectionsAnswer },
      handle: async ({ caller }) => ok({ success: true, collections: await records.collections(caller.tenant) }),
    }),
    route({
      method: "GET",
      path: "/api/collections/:name",
      summary: "Records in key order",
      tag: TAG,
      need: "viewer",
      params: contract.collectionParams,
      query: contract.recordsQuery,
      answers: { 200: contract.recordsAnswer },
      async handle({ caller, params, query }) {
        const after = query.cursor === undefined ? null : String(decodeCursor(`records:${params.name}`, query.cursor, ["string"])[0]);
        const rows = await records.list(caller.tenant, params.name, filterOf(query), { after, limit: query.limit + 1 });
        const page = rows.slice(0, query.limit);
        const last = rows.length > query.limit ? page.at(-1) : undefined;
        return ok({
          success: true,
          records: page.map(wireRecord),
          nextCursor: last === undefined ? null : encodeCursor(`records:${params.name}`, [last.key]),
        });
      },
    }),
    route({
      method: "GET",
      path: "/api/collections/:name/:key",
      summary: "One record",
      tag: TAG,
      need: "viewer",
      params: contract.recordParams,
      answers: { 200: contract.recordAnswer },
      async handle({ caller, params }) {
        const found = await records.get(caller.tenant, params.name, params.key);
        if (found === null) throw new BatchyardError("record_not_found", { collection: params.name, key: params.key });
        return ok({ success: true, record: wireRecord(found) });
      },
    }),
    route({
      method: "PUT",
      path: "/api/collections/:name/:key",
      summary: "Write a record as it is sent",
      tag: TAG,
      need: "operator",
      params: contract.recordParams,
      body: contract.recordData,
      carries: true,
      answers: { 200: contract.putRecordAnswer },
      async handle({ caller, params, body }) {
        const [action] = await records.put(
          caller.tenant,
          params.name,
          [{ key: params.key, data: body, writer: null }],
          "replace",
          clock.now(),
        );
        const found = await records.get(caller.tenant, params.name, params.key);
        if (found === null) throw new BatchyardError("record_not_found", { collection: params.name, key: params.key });
        return ok({ success: true, action: action === "inserted" ? "inserted" : "updated", record: wireRecord(found) });
      },
    }),
    route({
      method: "DELETE",
      path: "/api/collections/:name/:key",
      summary: "Remove a record",
      tag: TAG,
      need: "operator",
      params: contract.recordParams,
      answers: { 200: contract.deletedAnswer },
      async handle({ caller, params }) {
        if (!(await records.delete(caller.tenant, params.name, params.key)))
          throw new BatchyardError("record_not_found", { collection: params.name, key: params.key });
        return ok({ success: true, deleted: true });
      },
    }),
  ];
}

/** `filters` means what it means in a batch's request; the parameters beside it say the same of the list. */
function filterOf({ filters, tags, createdAfter, createdBefore }: z.output<typeof contract.recordsQuery>): RecordFilter {
  const within = filters === undefined ? { equals: {} } : toRecordFilter(flatFilters(filters));
  const filter: RecordFilter = {
    ...within,
    ...(tags === undefined ? {} : { tags: [...(within.tags ?? []), ...tags.split(",").map((tag) => tag.trim())] }),
    ...(createdAfter === undefined ? {} : { createdAfter: toMs(createdAfter) }),
    ...(createdBefore === undefined ? {} : { createdBefore: toMs(createdBefore) }),
  };
  const faults = tooComplex(filter);
  if (faults.length > 0) throw invalid(faults);
  return filter;
}

function flatFilters(text: string): Record<string, unknown> {
  const value = parsedFilters(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid([{ path: "filters", message: 'must be a JSON object, for example {"category":"toys"}', code: "invalid_type" }]);
  }
  const filters = value as Record<string, unknown>;
  const nested = Object.entries(filters).filter(([name, wanted]) => name !== "tags" && typeof wanted === "object" && wanted !== null);
  if (nested.length > 0) {
    throw invalid(
      nested.map(([name]) => ({
        path: `filters.${name}`,
        message: "must be a string, a number, true, false or null",
        code: "invalid_type",
      })),
    );
  }
  return filters;
}

function parsedFilters(text: string): unknown {
  try {
    return parseBody(text, false);
  } catch (error) {
    if (error instanceof BatchyardError && error.code === "bad_json")
      throw invalid([
        { path: "filters", message: `is not JSON: ${error.message.replace(/^The body is not JSON: /, "")}`, code: "bad_json" },
      ]);
    throw error;
  }
}

function wireRecord(row: CollectionRecord): z.output<typeof contract.storedRecord> {
  return {
    key: row.key,
    data: row.data,
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}
