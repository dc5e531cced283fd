import * as contract from "../contract/dlq.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

const TAG = "Dead letters";
/** Refusals and batches that an answer lists; its counts are exact. */
const LISTED = 1_000;

/** One view over what is dead, whichever way it died. */
export function dlqRoutes({ dead }: ApiServices): Route[] {
  const named = { tag: TAG, params: contract.queueParams } as const;
  const iso = (at: number): string => new Date(at).toISOString();
  return [
    route({
      method: "GET",
      path: "/api/dlq/stats",
      summary: "Queues with something dead in them: how much, why, since when",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.dlqStatsAnswer },
      async handle({ caller }) {
        const queues = (await dead.stats(caller)).map((queue) => ({ ...queue, oldest: iso(queue.oldest), newest: iso(queue.newest) }));
        return ok({ success: true, total: queues.reduce((sum, { count }) => sum + count, 0), queues });
      },
    }),
    route({
      ...named,
      method: "GET",
      path: "/api/dlq/jobs/:queue",
      summary: "What is dead in a queue (a stream or an operation), oldest first",
      need: "viewer",
      query: contract.dlqJobsQuery,
      answers: { 200: contract.dlqJobsAnswer },
      async handle({ caller, params: { queue }, query: { kind, reason, limit, cursor } }) {
        const page = await dead.jobs(caller, { queue, kind, selection: { reason } }, { limit, cursor });
        const jobs = page.jobs.map(({ at, itemKey, batchId, ...job }) => ({
          ...job,
          failed_at: iso(at),
          item_key: itemKey,
          ...(batchId === undefined ? {} : { batch_id: batchId }),
        }));
        return ok({ success: true, queue, ...page, jobs });
      },
    }),
    route({
      ...named,
      method: "POST",
      path: "/api/dlq/requeue/:queue",
      summary: "Run what is dead again: all, or some; items of an operation in their batch, items of a stream through a window",
      need: "operator",
      body: contract.dlqRequeueBody,
      answers: { 202: contract.dlqRequeueAnswer },
      async handle({ caller, params: { queue }, body: { kind, reason, fingerprint, ids, limit, rate } }) {
        const done = await dead.requeue(caller, { queue, kind, selection: { reason, fingerprint, ids } }, { limit, rate: rate ?? null });
        const body = { ...done, left: done.left.slice(0, LISTED), batches: done.batches.slice(0, LISTED) };
        return { kind: "json", status: 202, body: { success: true, queue, ...body } };
      },
    }),
    route({
      ...named,
      method: "DELETE",
      path: "/api/dlq/:queue",
      summary: "Give up what is dead: items of a stream are removed, items of an operation stay results of their batch",
      need: "admin",
      query: contract.dlqDeleteQuery,
      body: contract.dlqDeleteBody,
      answers: { 200: contract.dlqDeleteAnswer },
      async handle({ caller, params: { queue }, query, body }) {
        const { kind, reason, fingerprint, ids } = { ...query, fingerprint: undefined, ids: undefined, ...body };
        return ok({ success: true, queue, deleted: await dead.remove(caller, { queue, kind, selection: { reason, fingerprint, ids } }) });
      },
    }),
  ];
}
