import { z } from "zod";
import type { Caller, HistoryQuery } from "../../batches/service.ts";
import { CONTENT_TYPES } from "../../formats/format.ts";
import { write } from "../../formats/writer.ts";
import { iso } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import { nothing } from "../../model/fields.ts";
import { runOptions } from "../../model/run-options.ts";
import * as contract from "../contract/batch.ts";
import { toMs } from "../dispatch.ts";
import { attachment } from "../download.ts";
import type { Done } from "../idempotency.ts";
import { schemaOf } from "../openapi.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { round, wireBatch } from "../wire/batch.ts";
import { LIST_FIELDS, listRows } from "../wire/batch-list.ts";

export const idParams = z.strictObject({ id: z.string() });
const TAG = "Batches";

/** What a request that made this batch was answered, or would have been had the process lived; null = it made none. */
export async function batchMade(batches: ApiServices["batches"], caller: Caller, id: string): Promise<Done | null> {
  const batch = await batches.get(caller, id).catch(() => null);
  return batch === null ? null : { status: 201, body: { success: true, batch: wireBatch(batch) } };
}

/** The life of batches: find, watch, stop, go on. */
export function batchRoutes({ batches, streams, registry, config }: ApiServices): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/batch/history",
      summary: "Batches, newest first or sorted",
      tag: TAG,
      need: "viewer",
      query: contract.historyQuery,
      answers: { 200: contract.historyAnswer },
      async handle({ caller, query }) {
        const { createdAfter, createdBefore, ...rest } = query;
        const asked: HistoryQuery = { ...rest, createdAfter: toMs(createdAfter), createdBefore: toMs(createdBefore) };
        const page = await batches.history(caller, asked);
        return ok({
          success: true,
          batches: page.batches.map((batch) => wireBatch(batch)),
          count: page.batches.length,
          filter: { ...query, ...(query.cursor === undefined ? { offset: query.offset ?? 0 } : {}) },
          total: page.total,
          totalIsExact: page.totalIsExact,
          nextCursor: page.nextCursor,
        });
      },
    }),
    route({
      method: "POST",
      path: "/api/batch/export",
      summary: "A list of batches as a file, newest first or sorted; cells that a spreadsheet would run are neutralised",
      tag: TAG,
      need: "viewer",
      body: contract.listExportBody,
      answers: { 200: "application/octet-stream" },
      async handle({ caller, body }) {
        const { format, ids, except, sort = "created", order = "desc" } = body;
        const { createdAfter, createdBefore, ...rest } = body.filter;
        const filter = { ...rest, createdAfter: toMs(createdAfter), createdBefore: toMs(createdBefore) };
        const rows = listRows(batches.streamHistory(caller, ids === undefined ? { filter, sort, order } : { ids }), new Set(except));
        return {
          kind: "stream",
          stream: write(format, () => rows, { fields: LIST_FIELDS }),
          headers: attachment(`batches.${format}`, CONTENT_TYPES[format]),
        };
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/active",
      summary: "Every batch that has not ended, with rate and ETA",
      tag: TAG,
      need: "viewer",
      query: contract.activeQuery,
      answers: { 200: contract.activeAnswer },
      async handle({ caller, query }) {
        const { batches: views, total } = await batches.active(caller, query.limit);
        return ok({ success: true, batches: views.map((view) => wireBatch(view.batch, view)), count: views.length, total });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/stats",
      summary: "Counts by status and operation",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.statsAnswer },
      async handle({ caller }) {
        return ok({ success: true, stats: statsOf((await batches.counts(caller)).byOperation) });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/operations",
      summary: "Operations, each with the JSON Schema of its options",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.operationsAnswer },
      async handle() {
        return ok({ success: true, operations: registry.list(), runOptions: schemaOf(runOptions, "input") });
      },
    }),
    route({
      method: "DELETE",
      path: "/api/batch/cleanup",
      summary: "Remove final batches older than daysToKeep with everything of theirs",
      tag: TAG,
      need: "admin",
      query: contract.cleanupQuery,
      body: contract.cleanupBody,
      answers: { 200: contract.cleanupAnswer },
      async handle({ caller, query, body }) {
        const daysToKeep = body?.daysToKeep ?? query.daysToKeep ?? 30;
        const dryRun = body?.dryRun ?? query.dryRun ?? false;
        const deleted = await batches.cleanup(caller, daysToKeep, dryRun);
        return ok({ success: true, deleted, daysToKeep, dryRun });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id",
      shared: true,
      summary: "One batch",
      tag: TAG,
      need: "viewer",
      params: idParams,
      answers: { 200: contract.oneBatchAnswer },
      async handle({ caller, params }) {
        const view = await batches.view(caller, params.id);
        const batch = wireBatch(view.batch, view);
        // Whoever has a link sees how the batch fares, not what it was told: options may hold prompts, metadata anything.
        if (caller.onlyBatch !== undefined)
          return ok({
            success: true,
            batch: { ...batch, options: {}, filters: {}, input: null, metadata: null },
            trace_url: null,
            window: null,
          });
        const traceUrl = batch.trace_id === null ? null : (config.traceUrl?.replaceAll("{traceId}", batch.trace_id) ?? null);
        const window = batch.stream === null ? null : await streams.closed(caller, params.id);
        return ok({ success: true, batch, trace_url: traceUrl, window: window === null ? null : wireWindow(window) });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/why",
      summary: "Why it is not done",
      tag: TAG,
      need: "viewer",
      params: idParams,
      answers: { 200: contract.whyAnswer },
      async handle({ caller, params }) {
        const why = await batches.why(caller, params.id);
        return ok({
          success: true,
          state: why.state,
          reasons: why.reasons.map(({ nextRetryAt, nextPollAt, since, ...reason }) => ({
            ...reason,
            since: iso(since),
            ...(nextPollAt === undefined ? {} : { nextPollAt: new Date(nextPollAt).toISOString() }),
            ...(nextRetryAt === undefined ? {} : { nextRetryAt: new Date(nextRetryAt).toISOString() }),
          })),
          eta: iso(why.etaAt),
        });
      },
    }),
    route({
      method: "POST",
      path: "/api/batch/:id/cancel",
      summary: "Cancel: after the answer no new item starts",
      tag: TAG,
      need: "operator",
      params: idParams,
      body: nothing,
      answers: { 200: contract.cancelAnswer },
      async handle({ caller, params }) {
        const batch = await batches.cancel(caller, params.id).catch((error: unknown) => {
          // The contract answers 400 with one sentence, whether the batch is unknown or final.
          if (error instanceof BatchyardError && (error.code === "batch_not_found" || error.code === "invalid_state"))
            throw new BatchyardError("not_cancellable");
          throw error;
        });
        return ok({ success: true, message: "Batch cancelled successfully", batch: wireBatch(batch) });
      },
    }),
    action("pause", "Start no further items", nothing, ({ caller, id }) => batches.pause(caller, id)),
    action("resume", "Go on where it was", nothing, ({ caller, id }) => batches.resume(caller, id)),
    action("priority", "Change the priority of what has not started", contract.priorityBody, ({ caller, id, body }) =>
      batches.setPriority(caller, id, body.priority),
    ),
    action(
      "retry",
      "Run failed items again as the next epoch; all of them without a selection",
      contract.retryBody,
      ({ caller, id, body }) => batches.retry(caller, id, body ?? {}),
    ),
    action("finish", "Settle what is open as failed and keep what is done", contract.finishBody, ({ caller, id, body }) =>
      batches.finish(caller, id, body.reason),
    ),
  ];
}

function wireWindow({ openedAt, closedAt, lagMs, reason, rulesSince }: NonNullable<Awaited<ReturnType<ApiServices["streams"]["closed"]>>>) {
  return {
    opened_at: iso(openedAt)!,
    closed_at: iso(closedAt)!,
    lag_seconds: lagMs === null ? null : lagMs / 1_000,
    reason,
    rules_since: iso(rulesSince),
  };
}

type Asked<B> = { caller: Parameters<ApiServices["batches"]["pause"]>[0]; id: string; body: B };

function action<B extends z.ZodType>(
  name: string,
  summary: string,
  body: B,
  act: (asked: Asked<z.output<B>>) => ReturnType<ApiServices["batches"]["pause"]>,
): Route {
  return route({
    method: "POST",
    path: `/api/batch/:id/${name}`,
    summary,
    tag: TAG,
    need: "operator",
    params: idParams,
    body,
    answers: { 200: contract.batchAnswer },
    async handle(call) {
      // `call.body` is what `body` parsed; the conditional type of a generic schema does not reduce here.
      const batch = await act({ caller: call.caller, id: call.params.id, body: call.body as z.output<B> });
      return ok({ success: true, batch: wireBatch(batch) });
    },
  });
}

function statsOf(byOperation: Record<string, Partial<Record<string, number>>>): z.output<typeof contract.statsAnswer>["stats"] {
  const byStatus: Record<string, number> = Object.fromEntries(contract.status.options.map((status) => [status, 0]));
  const totals: Record<string, number> = {};
  let total = 0;
  for (const [operation, counts] of Object.entries(byOperation)) {
    for (const [status, count] of Object.entries(counts)) {
      if (count === undefined || count === 0) continue;
      byStatus[status] = (byStatus[status] ?? 0) + count;
      totals[operation] = (totals[operation] ?? 0) + count;
      total += count;
    }
  }
  return { total, byStatus, byOperation: totals, completionRate: total === 0 ? 0 : round(byStatus["completed"]! / total, 4) };
}
