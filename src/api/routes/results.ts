import { z } from "zod";
import type { BatchView, Caller } from "../../batches/service.ts";
import { type WriteFormat, CONTENT_TYPES } from "../../formats/format.ts";
import { write } from "../../formats/writer.ts";
import { iso } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import type { ResultFilter } from "../../store/port.ts";
import * as contract from "../contract/results.ts";
import { attachment } from "../download.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { round, wireBatch } from "../wire/batch.ts";
import { averageDuration, meanScore, summaryOf } from "../wire/summary.ts";
import { shareOfFailures, visualizationOf } from "../wire/visualization.ts";
import { idParams } from "./batches.ts";
import { costFigures } from "../wire/costs.ts";

const TAG = "Results";

/** What came of the items of a batch. */
export function resultRoutes({ batches, clock }: ApiServices): Route[] {
  const sideOf = (view: BatchView) => ({ batch: wireBatch(view.batch, view), summary: summaryOf(view.batch, view.stats, clock.now()) });

  async function* ndjson(caller: Caller, id: string, filter: ResultFilter): AsyncGenerator<string> {
    for await (const lines of batches.streamResults(caller, id, filter)) if (lines.length > 0) yield `${lines.join("\n")}\n`;
  }

  async function* rows(caller: Caller, id: string, filter: ResultFilter): AsyncGenerator<Record<string, unknown>[]> {
    for await (const lines of batches.streamResults(caller, id, filter))
      yield JSON.parse(`[${lines.join(",")}]`) as Record<string, unknown>[];
  }

  return [
    route({
      method: "GET",
      path: "/api/batch/compare",
      summary: "Two batches side by side: items changed, added, removed",
      tag: TAG,
      need: "viewer",
      query: contract.compareQuery,
      answers: { 200: contract.compareAnswer },
      async handle({ caller, query }) {
        const { a: first, b: second, ...page } = query;
        const { a, b, ...difference } = await batches.compare(caller, first, second, page);
        const scores = [meanScore(a.stats), meanScore(b.stats)];
        return ok({
          success: true,
          a: sideOf(a),
          b: sideOf(b),
          ...difference,
          deltas: {
            successful: b.batch.succeeded - a.batch.succeeded,
            failed: b.batch.failed - a.batch.failed,
            averageDuration: round(averageDuration(b.stats) - averageDuration(a.stats), 2),
            qualityScore: scores[0] === null || scores[1] === null ? null : round(scores[1]! - scores[0]!, 4),
            cost: (b.batch.cost - a.batch.cost) / 1e9,
          },
        });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/results",
      summary: "Results with their summary; `Accept: application/x-ndjson` streams all of them",
      tag: TAG,
      need: "viewer",
      params: idParams,
      query: contract.resultsQuery,
      answers: { 200: contract.resultsAnswer },
      async handle({ caller, params, query, request }) {
        const { limit, cursor, ...filter } = query;
        const view = await batches.view(caller, params.id);
        if (/\bapplication\/(x-)?ndjson\b/.test(request.headers.accept ?? "")) {
          return {
            kind: "stream",
            stream: ndjson(caller, params.id, filter),
            headers: { "content-type": "application/x-ndjson; charset=utf-8" },
          };
        }
        const page = await batches.results(caller, params.id, filter, { limit, cursor });
        // The lines are JSON already; they go out as they were stored.
        const batch = JSON.stringify(wireBatch(view.batch, view)).slice(0, -1);
        const summary = JSON.stringify(summaryOf(view.batch, view.stats, clock.now()));
        const text = `{"success":true,"batch":${batch},"results":[${page.lines.join(",")}],"summary":${summary}},"nextCursor":${JSON.stringify(page.nextCursor)}}`;
        return { kind: "text", status: 200, text };
      },
    }),
    route({
      method: "POST",
      path: "/api/batch/:id/results",
      summary: "Record results from outside, each item once",
      tag: TAG,
      need: "operator",
      params: idParams,
      body: contract.recordBody,
      carries: true,
      creates: true,
      answers: { 200: contract.recordAnswer },
      async handle({ caller, params, body }) {
        const reported = (Array.isArray(body) ? body : [body]).map(({ createdAt: _createdAt, ...result }) => result);
        const { batch, ...counts } = await batches.record(caller, params.id, reported);
        return ok({ success: true, ...counts, batch: wireBatch(batch) });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/viz",
      shared: true,
      summary: "Everything a chart of this batch needs",
      tag: TAG,
      need: "viewer",
      params: idParams,
      answers: { 200: contract.visualizationAnswer },
      async handle({ caller, params }) {
        const view = await batches.view(caller, params.id);
        const groups = await batches.errors(caller, params.id);
        return ok({ success: true, visualization: visualizationOf(view, groups, clock.now()) });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/errors",
      shared: true,
      summary: "Failures grouped by cause, largest group first",
      tag: TAG,
      need: "viewer",
      params: idParams,
      answers: { 200: contract.errorsAnswer },
      async handle({ caller, params }) {
        const groups = await batches.errors(caller, params.id);
        return ok({
          success: true,
          groups: groups.map((group) => ({
            ...group,
            percentage: shareOfFailures(groups, group),
            firstSeen: iso(group.firstSeen),
            lastSeen: iso(group.lastSeen),
          })),
        });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/export",
      summary: "All results as a file; cells that a spreadsheet would run are neutralised",
      tag: TAG,
      need: "viewer",
      params: idParams,
      query: contract.exportQuery,
      answers: { 200: "application/octet-stream" },
      async handle({ caller, params, query }) {
        const format: WriteFormat = query.format;
        const batch = await batches.get(caller, params.id);
        const filter: ResultFilter = { success: query.success };
        const headers = attachment(`${batch.id}.${format}`, CONTENT_TYPES[format]);
        if (format === "jsonl") return { kind: "stream", stream: ndjson(caller, params.id, filter), headers };
        return { kind: "stream", stream: write(format, () => rows(caller, params.id, filter), { fields: EXPORT_COLUMNS }), headers };
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/chunks",
      summary: "Chunks, the units of dispatch and commit",
      tag: TAG,
      need: "viewer",
      params: idParams,
      query: contract.chunksQuery,
      answers: { 200: contract.chunksAnswer },
      async handle({ caller, params, query }) {
        const chunks = await batches.chunks(caller, params.id, query);
        return ok({
          success: true,
          chunks: chunks.map((chunk) => ({ ...chunk, availableAt: iso(chunk.availableAt), leaseUntil: iso(chunk.leaseUntil) })),
        });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/reconcile",
      summary: "Is each item there exactly once?",
      tag: TAG,
      need: "viewer",
      params: idParams,
      answers: { 200: contract.reconcileAnswer },
      async handle({ caller, params }) {
        const { costs, ...found } = await batches.reconcile(caller, params.id);
        return ok({ success: true, reconciliation: { ...found, costs: costFigures(costs) } });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/items/:nodeId",
      summary: "One item as it was sent, with its result if it has one",
      tag: TAG,
      need: "viewer",
      params: z.strictObject({ id: z.string(), nodeId: z.string() }),
      answers: { 200: contract.itemAnswer },
      async handle({ caller, params, request }) {
        const payload = await batches.payload(caller, params.id, params.nodeId);
        const page = await batches.results(caller, params.id, { nodeId: params.nodeId }, { limit: 1 });
        if (payload === null && page.lines.length === 0) throw new BatchyardError("not_found", { path: request.url });
        const text = `{"success":true,"nodeId":${JSON.stringify(params.nodeId)},"payload":${payload ?? "null"},"result":${page.lines[0] ?? "null"}}`;
        return { kind: "text", status: 200, text };
      },
    }),
  ];
}

const EXPORT_COLUMNS = ["nodeId", "success", "result", "error", "errorCode", "retries", "durationMs", "qualityScore", "cost", "createdAt"];
