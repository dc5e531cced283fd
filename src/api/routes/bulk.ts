import type { z } from "zod";
import type { BulkRequest } from "../../batches/bulk.ts";
import type { Caller } from "../../batches/service.ts";
import type { BatchStatus } from "../../model/moves.ts";
import { iso } from "../../model/clock.ts";
import { instantMs, nothing } from "../../model/fields.ts";
import { priorityName } from "../../model/priority.ts";
import { JOB_STATUSES } from "../../monitor/jobs/job-status.ts";
import { RANGES } from "../../monitor/jobs/range.ts";
import type { BulkJob } from "../../store/bulk.ts";
import * as contract from "../contract/bulk.ts";
import { ok, route, type Outcome, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

/** The same acts at two doors. Each is one that an operator may do to a single batch, so the first takes operators; the second is of monitoring. */
const DOORS = [
  { base: "/api/batch/bulk", tag: "Batches", need: "operator", paced: false },
  { base: "/api/admin/batch-monitoring/bulk", tag: "Monitoring", need: "admin", paced: true },
] as const;

/** One act on all batches of a filter. */
export function bulkRoutes(services: ApiServices): Route[] {
  return DOORS.flatMap((door) => routesOf(services, door));
}

function routesOf({ bulk, clock }: ApiServices, { base, ...door }: (typeof DOORS)[number]): Route[] {
  const one = async (job: Promise<BulkJob>): Promise<Outcome> => ok({ success: true, bulk: wire(await job) });
  const start = async (caller: Caller, body: z.infer<typeof contract.bulkBody>): Promise<Outcome> => {
    const request = requestOf(body, clock.now());
    if (body.dryRun) return ok({ success: true, dryRun: true, count: await bulk.count(caller, request) });
    return { kind: "json", status: 202, body: { success: true, bulk: wire(await bulk.add(caller, request)) } };
  };
  return [
    route({
      method: "POST",
      path: base,
      summary:
        "Retry, cancel, pause, resume, re-prioritise, finish or give up the tries of all batches of a filter, so many a second; or only count them",
      ...door,
      body: contract.bulkBody,
      answers: { 200: contract.bulkCounted, 202: contract.bulkStarted },
      handle: ({ caller, body }) => start(caller, body),
    }),
    route({
      method: "GET",
      path: base,
      summary: "The newest 100 acts on many batches",
      ...door,
      answers: { 200: contract.bulkList },
      handle: async ({ caller }) => ok({ success: true, bulks: (await bulk.list(caller)).map(wire) }),
    }),
    route({
      method: "GET",
      path: `${base}/:id`,
      summary: "How far an act on many batches is",
      ...door,
      params: contract.bulkParams,
      answers: { 200: contract.bulkStarted },
      handle: ({ caller, params }) => one(bulk.get(caller, params.id)),
    }),
    route({
      method: "POST",
      path: `${base}/:id/cancel`,
      summary: "Stop an act on many batches; what is done stays done",
      ...door,
      params: contract.bulkParams,
      body: nothing,
      answers: { 200: contract.bulkStarted },
      handle: ({ caller, params }) => one(bulk.cancel(caller, params.id)),
    }),
  ];
}

function requestOf(
  { action, priority, reason, filter, ratePerSecond, delaySeconds }: z.infer<typeof contract.bulkBody>,
  now: number,
): BulkRequest {
  const { status, jobType, timeRange, createdAfter, createdBefore, errorFingerprint, errorCode, states, ...rest } = filter;
  const ofJob: readonly BatchStatus[] | undefined = status === undefined ? undefined : JOB_STATUSES[status];
  const statuses = states === undefined ? ofJob : states.filter((each) => ofJob?.includes(each) ?? true);
  const from = timeRange === undefined ? 0 : now - RANGES[timeRange].lengthMs;
  return {
    action,
    priority,
    reason,
    rate: ratePerSecond,
    delayMs: delaySeconds * 1000,
    filter: {
      ...rest,
      ...(statuses === undefined ? {} : { statuses }),
      from: createdAfter === undefined ? from : instantMs(createdAfter),
      to: createdBefore === undefined ? now + 1 : instantMs(createdBefore) + 1,
      operation: jobType,
      fingerprint: errorFingerprint,
      code: errorCode,
    },
  };
}

function wire(job: BulkJob) {
  const { id, action, reason, actor, status, total, done, failed, skipped, error, rate } = job;
  return {
    id,
    action,
    priority: job.priority === null ? null : priorityName(job.priority),
    reason,
    by: actor,
    status,
    total,
    done,
    failed,
    skipped,
    error,
    ratePerSecond: rate,
    createdAt: iso(job.createdAt)!,
    startsAt: iso(job.startsAt)!,
    endedAt: iso(job.endedAt),
  };
}
