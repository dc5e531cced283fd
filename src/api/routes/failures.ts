import type { z } from "zod";
import type { Caller } from "../../batches/service.ts";
import { iso } from "../../model/clock.ts";
import { BatchyardError, invalid } from "../../model/errors.ts";
import { instantMs } from "../../model/fields.ts";
import { isRetryable } from "../../model/item.ts";
import { RECOMMENDATIONS } from "../../monitor/jobs/analysis.ts";
import { RANGES } from "../../monitor/jobs/range.ts";
import type { FailureClass, FailureMute } from "../../store/port.ts";
import * as contract from "../contract/failures.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

const TAG = "Monitoring";
const MUTES = "/api/system/failures/mutes";
const MUTES_LISTED = 500;
const MINUTE_MS = 60_000;

/** What fails, over all batches, and what of it nobody wants to hear of. */
export function failureRoutes({ failures, audit, clock }: Pick<ApiServices, "failures" | "audit" | "clock">): Route[] {
  const trace = (caller: Caller, action: string, acted: { before: FailureMute | null; after: FailureMute | null }): Promise<void> => {
    const { tenant, actor, credential, address } = caller;
    const target = (acted.after ?? acted.before)!.fingerprint;
    const [before, after] = [acted.before, acted.after].map((mute) => (mute === null ? null : wireMute(mute)));
    return audit.append({ tenant, actor, credential, address, at: clock.now(), action, target, before, after, outcome: "SUCCESS" });
  };
  return [
    route({
      method: "GET",
      path: "/api/system/failures/groups",
      summary: "Failures of a time in groups of the same error, whatever batch they happened in",
      tag: TAG,
      need: "viewer",
      query: contract.failureGroupsQuery,
      answers: { 200: contract.failureGroupsAnswer },
      async handle({ caller, query }) {
        const { from, to, pointMs, points } = stepsOf(query.range, clock.now());
        const filter = { tenant: caller.tenant, from, to, operation: query.operation };
        const heard = { ...filter, muted: { only: false, now: clock.now() } };
        const sums = await failures.sums(heard);
        const muted = await failures.sums({ ...filter, muted: { only: true, now: clock.now() } });
        const groups = await failures.classes(heard, query.limit);
        return ok({
          success: true,
          from: iso(from),
          to: iso(to),
          width_seconds: pointMs / 1000,
          groups: groups.map((group) => wireGroup(group, { from, pointMs, points })),
          total: sums.classes,
          failures: sums.failures,
          recoverable: sums.byCategory.reduce((sum, each) => sum + (isRetryable(each.category) ? each.failures : 0), 0),
          muted: { total: muted.classes, failures: muted.failures },
        });
      },
    }),
    route({
      method: "GET",
      path: MUTES,
      summary: "Groups that are muted: by whom, why, until when, and how often they failed within the time",
      tag: TAG,
      need: "viewer",
      query: contract.mutesQuery,
      answers: { 200: contract.mutesAnswer },
      async handle({ caller, query }) {
        const { from, to } = stepsOf(query.range, clock.now());
        const filter = { tenant: caller.tenant, from, to, operation: query.operation };
        const mutes = await failures.mutes(filter, clock.now(), MUTES_LISTED);
        return ok({
          success: true,
          mutes: mutes.map((mute) => ({ ...wireMute(mute), count: mute.failures, last_seen: iso(mute.lastSeen) })),
        });
      },
    }),
    route({
      method: "PUT",
      path: `${MUTES}/:fingerprint`,
      summary: "Mute a group: it is listed apart and counts as no new kind of error for alerts; its failures still count",
      tag: TAG,
      need: "operator",
      params: contract.muteParams,
      body: contract.muteBody,
      answers: { 200: contract.muteAnswer },
      async handle({ caller, params: { fingerprint }, body }) {
        const { tenant, actor } = caller;
        const at = clock.now();
        const until = endOf(body, at);
        const { reason, untilChange } = body;
        const muted = await failures.mute({ tenant, fingerprint, reason, by: actor, at, until, untilChange });
        if (muted === null) throw new BatchyardError("failure_group_not_found", { fingerprint });
        await trace(caller, "failures.mute", muted);
        return ok({ success: true, mute: wireMute(muted.after) });
      },
    }),
    route({
      method: "DELETE",
      path: `${MUTES}/:fingerprint`,
      summary: "End the mute of a group now",
      tag: TAG,
      need: "operator",
      params: contract.muteParams,
      answers: { 200: contract.muteAnswer },
      async handle({ caller, params: { fingerprint } }) {
        const mute = await failures.unmute(caller.tenant, fingerprint, clock.now());
        if (mute === null) throw new BatchyardError("mute_not_found", { fingerprint });
        await trace(caller, "failures.unmute", { before: mute, after: null });
        return ok({ success: true, mute: wireMute(mute) });
      },
    }),
  ];
}

/** Whole steps up to the end of the one that is under way. */
function stepsOf(range: keyof typeof RANGES, now: number): { from: number; to: number; pointMs: number; points: number } {
  const { lengthMs, pointMs } = RANGES[range];
  const to = Math.ceil((now + 1) / pointMs) * pointMs;
  return { from: to - lengthMs, to, pointMs, points: lengthMs / pointMs };
}

/** Null = until somebody ends it. Throws validation_failed when it lies in the past. */
function endOf({ minutes, until }: z.output<typeof contract.muteBody>, now: number): number | null {
  if (minutes !== undefined) return now + minutes * MINUTE_MS;
  if (until === undefined) return null;
  const end = instantMs(until);
  if (end <= now) throw invalid([{ path: "until", message: "must be in the future", code: "out_of_range" }]);
  return end;
}

function wireMute({ fingerprint, error, code, reason, by, at, until, untilChange }: FailureMute) {
  return { fingerprint, error, code, reason, by, at: iso(at)!, until: iso(until), until_change: untilChange };
}

function wireGroup(group: FailureClass, { from, pointMs, points }: { from: number; pointMs: number; points: number }) {
  const trend = Array.from({ length: points }, () => 0);
  for (const { at, failures } of group.hours) trend[Math.floor((at - from) / pointMs)]! += failures;
  const parts = (of: FailureClass["operations"]) => of.map(({ name, failures }) => ({ name, count: failures }));
  return {
    fingerprint: group.fingerprint,
    error: group.error,
    code: group.code,
    category: group.category,
    recoverable: isRetryable(group.category),
    recommendation: RECOMMENDATIONS[group.category],
    count: group.failures,
    first_seen: iso(group.firstSeen),
    last_seen: iso(group.lastSeen),
    new: group.fingerprint !== "" && (group.firstEver ?? group.firstSeen) >= from,
    operations: parts(group.operations),
    streams: parts(group.streams),
    trend,
    sample: { batch_id: group.batchId, item_key: group.nodeId },
  };
}
