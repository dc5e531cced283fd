import { isRetryable } from "../../model/item.ts";
import { RECOMMENDATIONS } from "../../monitor/jobs/analysis.ts";
import { RANGES } from "../../monitor/jobs/range.ts";
import type { FailureClass } from "../../store/port.ts";
import * as contract from "../contract/failures.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

/** What fails, over all batches. */
export function failureRoutes({ failures, clock }: Pick<ApiServices, "failures" | "clock">): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/system/failures/groups",
      summary: "Failures of a time in groups of the same error, whatever batch they happened in",
      tag: "Monitoring",
      need: "viewer",
      query: contract.failureGroupsQuery,
      answers: { 200: contract.failureGroupsAnswer },
      async handle({ caller, query }) {
        const { lengthMs, pointMs } = RANGES[query.range];
        // Whole steps up to the end of the one that is under way.
        const to = Math.ceil((clock.now() + 1) / pointMs) * pointMs;
        const from = to - lengthMs;
        const filter = { tenant: caller.tenant, from, to, operation: query.operation };
        const sums = await failures.sums(filter);
        const groups = await failures.classes(filter, query.limit);
        return ok({
          success: true,
          from: iso(from),
          to: iso(to),
          width_seconds: pointMs / 1000,
          groups: groups.map((group) => wireGroup(group, { from, pointMs, points: lengthMs / pointMs })),
          total: sums.classes,
          failures: sums.failures,
          recoverable: sums.byCategory.reduce((sum, each) => sum + (isRetryable(each.category) ? each.failures : 0), 0),
        });
      },
    }),
  ];
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

function iso(at: number): string {
  return new Date(at).toISOString();
}
