import type { Caller } from "../../batches/service.ts";
import { iso } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import { DEFAULT_TENANT } from "../../model/tenant.ts";
import * as contract from "../contract/workers.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { wireWorkers, type WireWorker } from "../wire/workers.ts";

const TAG = "Workers";
/** Chunks that one answer lists. */
const LISTED = 200;

/** Who runs chunks, and how to make one stop taking more. */
export function workerRoutes(services: ApiServices): Route[] {
  const { engine, external, clock, audit } = services;
  const workers = ({ tenant }: Caller): Promise<WireWorker[]> => wireWorkers(services, tenant);

  /** The worker of this process serves every tenant, so only admins of the server's own tenant hold it. */
  async function setDraining(caller: Caller, id: string, draining: boolean): Promise<WireWorker> {
    const before = (await workers(caller)).find((worker) => worker.id === id);
    if (before === undefined) throw new BatchyardError("worker_not_found");
    if (before.kind === "local") {
      ownerOnly(caller);
      engine.draining = draining;
    } else await external.roster.setDraining(caller.tenant, id, draining);
    const after = { state: draining ? "draining" : "live" };
    await trace(caller, draining ? "worker.drain" : "worker.resume", id, { state: before.state }, after);
    return (await workers(caller)).find((worker) => worker.id === id) ?? before;
  }

  const ownerOnly = (caller: Caller): void => {
    if (caller.tenant !== DEFAULT_TENANT) throw new BatchyardError("forbidden", { role: `admin of the tenant '${DEFAULT_TENANT}'` });
  };
  const trace = (caller: Caller, action: string, target: string, before: unknown, after: unknown): Promise<void> => {
    const { tenant, actor, credential, address } = caller;
    return audit.append({ tenant, actor, credential, address, at: clock.now(), action, target, before, after, outcome: "SUCCESS" });
  };

  return [
    route({
      method: "GET",
      path: "/api/system/workers",
      summary: "The worker of this server, and your workers that pull over HTTP",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.workersAnswer },
      handle: async ({ caller }) => ok({ success: true, workers: await workers(caller) }),
    }),
    route({
      method: "GET",
      path: "/api/system/workers/chunks",
      summary: "Chunks that are worked on now: of which batch, and by whom",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.workedChunksAnswer },
      async handle({ caller }) {
        const { chunks, total } = await external.roster.worked(caller.tenant, LISTED);
        const wire = chunks.map(({ id, batchId, batchName, operation, workerId, items, settled, attempt, leaseUntil }) => ({
          chunk: id,
          batch_id: batchId,
          batch_name: batchName,
          operation,
          worker: workerId,
          items,
          settled,
          attempt,
          lease_until: iso(leaseUntil),
        }));
        return ok({ success: true, chunks: wire, total });
      },
    }),
    route({
      method: "DELETE",
      path: "/api/system/workers/chunks/:chunk",
      summary: "Take a chunk away from whoever works on it: it runs again, its open items lose no try",
      tag: TAG,
      need: "admin",
      params: contract.chunkParams,
      answers: { 200: contract.revokedAnswer },
      async handle({ caller, params }) {
        const chunk = Number(params.chunk);
        const lease = await engine.revoke(caller.tenant, chunk);
        if (lease === null) throw new BatchyardError("chunk_not_held");
        const { batchId, workerId } = lease;
        await trace(caller, "worker.revoke", batchId, { chunk, worker: workerId }, null);
        return ok({ success: true, chunk, worker: workerId });
      },
    }),
    route({
      method: "POST",
      path: "/api/system/workers/:id/resize",
      summary: "How many chunks this server runs at once, until its next start",
      tag: TAG,
      need: "admin",
      params: contract.workerParams,
      body: contract.resizeBody,
      answers: { 200: contract.workerAnswer },
      async handle({ caller, params, body }) {
        const before = (await workers(caller)).find((worker) => worker.id === params.id);
        if (before === undefined) throw new BatchyardError("worker_not_found");
        if (before.kind !== "local") throw new BatchyardError("worker_resized_there", { worker: params.id });
        ownerOnly(caller);
        engine.slots = body.slots;
        await trace(caller, "worker.resize", params.id, { slots: before.slots }, { slots: body.slots });
        return ok({ success: true, worker: (await workers(caller)).find((worker) => worker.id === params.id) });
      },
    }),
    ...[true, false].map((draining) =>
      route({
        method: "POST",
        path: `/api/system/workers/:id/${draining ? "drain" : "resume"}`,
        summary: draining ? "It starts no chunk any more; what it has ends as usual" : "It takes chunks again",
        tag: TAG,
        need: "admin",
        params: contract.workerParams,
        answers: { 200: contract.workerAnswer },
        handle: async ({ caller, params }) => ok({ success: true, worker: await setDraining(caller, params.id, draining) }),
      }),
    ),
  ];
}
