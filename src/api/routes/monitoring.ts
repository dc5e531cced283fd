import type { Caller } from "../../batches/service.ts";
import { BatchyardError } from "../../model/errors.ts";
import type { BatchRow } from "../../model/batch.ts";
import { dayOf, noCosts } from "../../model/ledger.ts";
import { isFinal, OPEN_BATCH_STATES } from "../../model/moves.ts";
import { iso } from "../../model/clock.ts";
import { nothing } from "../../model/fields.ts";
import { write } from "../../formats/writer.ts";
import { errorsByCode, sizes, slowest } from "../../monitor/jobs/analysis.ts";
import { jobStatusOf } from "../../monitor/jobs/job-status.ts";
import { RANGES, type RangeName } from "../../monitor/jobs/range.ts";
import type { JobFilter } from "../../store/port.ts";
import * as contract from "../contract/monitoring.ts";
import { ok, route, type Outcome, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { JOB_FIELDS, wireJob, wireJobDetails } from "../wire/job.ts";

const TAG = "Monitoring";
const BASE = "/api/admin/batch-monitoring";
/** Upstream batches of one job that details name. */
const MOST_UPSTREAM = 20;

/** For whoever operates the server: sums, trends, causes, and the acts that go with them. Reads leave a trace, too. */
export function monitoringRoutes({ batches, jobReports, monitor, attempts, ledger, audit, clock }: ApiServices): Route[] {
  const trace = async (caller: Caller, action: string, target: string, after: unknown = null): Promise<void> => {
    const { tenant, actor, credential, address } = caller;
    await audit.append({ tenant, actor, credential, address, at: clock.now(), action, target, before: null, after, outcome: "SUCCESS" });
  };
  const within = (caller: Caller, timeRange: RangeName, jobType: string | undefined): JobFilter => {
    const now = clock.now();
    const from = now - RANGES[timeRange].lengthMs;
    return { tenant: caller.tenant, from, to: now + 1, ...(jobType === undefined ? {} : { operation: jobType }) };
  };
  const details = async (caller: Caller, batch: BatchRow): Promise<ReturnType<typeof wireJobDetails>> => {
    const { tenant, id } = batch;
    const spent = await ledger.sums({ tenant, fromDay: 0, toDay: dayOf(clock.now()) + 1, groupBy: "batch", batchId: id, limit: 1 });
    const upstream = await attempts.ofBatch(tenant, id, MOST_UPSTREAM);
    return wireJobDetails(batch, {
      stats: (await batches.view(caller, id)).stats,
      upstream,
      tokens: (spent[0]?.sums ?? noCosts()).tokens,
    });
  };
  const acted = async (caller: Caller, action: string, id: string, after: unknown = null): Promise<Outcome> => {
    const batch = await batches.get(caller, id);
    await trace(caller, `batch.${action}`, id, after);
    return ok({ success: true, data: { id, status: jobStatusOf(batch.status) } });
  };

  return [
    route({
      method: "GET",
      path: BASE,
      summary: "Jobs, queues, performance, cost and trends of a time range",
      tag: TAG,
      need: "admin",
      paced: true,
      query: contract.monitoringQuery,
      answers: { 200: contract.monitoringAnswer },
      async handle({ caller, query: asked }) {
        const query = { ...asked, limit: Math.min(asked.limit, contract.MAX_JOBS) };
        await trace(caller, "batch_monitoring_access", BASE, query);
        const report = await jobReports.read({ tenant: caller.tenant, ...query }, clock.now());
        const jobs = await Promise.all(
          report.jobs.map(async ({ batch, errors }) => ({
            ...wireJob(batch, errors, await attempts.ofBatch(batch.tenant, batch.id, query.includeDetails ? MOST_UPSTREAM : 1)),
            ...(query.includeDetails ? { details: await details(caller, batch) } : {}),
          })),
        );
        if (query.format === "csv") return csv(jobs, `batches-${query.timeRange}.csv`);
        const { summary, queues, performance, total, historical, changes } = report;
        return ok({
          success: true,
          data: {
            summary,
            queues,
            performance,
            jobs,
            pagination: { page: query.page, limit: query.limit, total, pages: Math.ceil(total / query.limit) },
            historical: historical.map(({ at, ...point }) => ({ timestamp: iso(at), ...point })),
            changes,
          },
        });
      },
    }),
    route({
      method: "GET",
      path: `${BASE}/analysis/errors`,
      summary: "Failures of a time range by error code, with the jobs and what to do",
      tag: TAG,
      need: "admin",
      paced: true,
      query: contract.analysisQuery,
      answers: { 200: contract.errorsAnswer },
      async handle({ caller, query }) {
        await trace(caller, "batch_monitoring_access", `${BASE}/analysis/errors`, query);
        const errors = await errorsByCode(monitor, within(caller, query.timeRange, query.jobType));
        const sum = (of: typeof errors): number => of.reduce((total, each) => total + each.count, 0);
        return ok({
          success: true,
          errors: errors.slice(0, query.limit),
          total: sum(errors),
          recoverable: sum(errors.filter((each) => each.recoverable)),
        });
      },
    }),
    route({
      method: "GET",
      path: `${BASE}/analysis/slow`,
      summary: "The slowest jobs of a time range, and how long each type takes",
      tag: TAG,
      need: "admin",
      paced: true,
      query: contract.analysisQuery,
      answers: { 200: contract.slowAnswer },
      async handle({ caller, query }) {
        await trace(caller, "batch_monitoring_access", `${BASE}/analysis/slow`, query);
        return ok({ success: true, ...(await slowest(monitor, within(caller, query.timeRange, query.jobType), query.limit)) });
      },
    }),
    route({
      method: "GET",
      path: `${BASE}/analysis/sizes`,
      summary: "How jobs of each size do, in steps of 50 requests",
      tag: TAG,
      need: "admin",
      paced: true,
      query: contract.analysisQuery.omit({ limit: true }),
      answers: { 200: contract.sizesAnswer },
      async handle({ caller, query }) {
        await trace(caller, "batch_monitoring_access", `${BASE}/analysis/sizes`, query);
        return ok({ success: true, ...(await sizes(monitor, within(caller, query.timeRange, query.jobType))) });
      },
    }),
    route({
      method: "POST",
      path: `${BASE}/:id/retry`,
      summary: "Run the failed requests of a job again; once, however often it is asked",
      tag: TAG,
      need: "admin",
      paced: true,
      params: contract.jobParams,
      body: nothing,
      answers: { 200: contract.jobActAnswer },
      async handle({ caller, params }) {
        const batch = await batches.get(caller, params.id);
        if (batch.status === "completed" || (!isFinal(batch.status) && batch.epoch === 1))
          throw new BatchyardError("invalid_state", { status: batch.status, action: "retried", allowed: "failed, cancelled or expired" });
        // Already asked: the retry it started is still running.
        if (isFinal(batch.status)) await batches.retry(caller, params.id, {});
        await trace(caller, "batch.retry", params.id);
        return ok({ success: true, data: { id: params.id, status: "pending" } });
      },
    }),
    ...(["cancel", "pause", "resume"] as const).map((action) =>
      route({
        method: "POST",
        path: `${BASE}/:id/${action}`,
        summary: `${action[0]!.toUpperCase()}${action.slice(1)} a job`,
        tag: TAG,
        need: "admin",
        paced: true,
        params: contract.jobParams,
        body: nothing,
        answers: { 200: contract.jobActAnswer },
        async handle({ caller, params }) {
          await batches[action](caller, params.id).catch(async (error: unknown) => {
            if (!(error instanceof BatchyardError) || error.code !== "not_cancellable") throw error;
            // One sentence for both is what /api/batch owes its users; here 404 and 409 say which it is.
            const { status } = await batches.get(caller, params.id);
            throw new BatchyardError("invalid_state", { status, action: "cancelled", allowed: OPEN_BATCH_STATES.join(", ") });
          });
          return acted(caller, action, params.id);
        },
      }),
    ),
    route({
      method: "POST",
      path: `${BASE}/:id/priority`,
      summary: "Let a job run sooner or later",
      tag: TAG,
      need: "admin",
      paced: true,
      params: contract.jobParams,
      body: contract.priorityBody,
      answers: { 200: contract.jobActAnswer },
      async handle({ caller, params, body }) {
        await batches.setPriority(caller, params.id, body.priority);
        return acted(caller, "priority", params.id, body);
      },
    }),
  ];
}

function csv(jobs: readonly ReturnType<typeof wireJob>[], name: string): Outcome {
  const rows = (async function* () {
    yield jobs.map((job) => ({ ...job, errorSummary: job.errorSummary.map((each) => `${each.count} × ${each.error}`).join("; ") }));
  })();
  return {
    kind: "stream",
    stream: write("csv", rows, { fields: JOB_FIELDS }),
    headers: { "content-type": "text/csv; charset=utf-8", "content-disposition": `attachment; filename="${name}"` },
  };
}
