import type { Caller, ReplayRequest } from "../../batches/service.ts";
import { BatchyardError, invalid } from "../../model/errors.ts";
import { newBatchId } from "../../model/ids.ts";
import { faultsOf } from "../../model/schema-faults.ts";
import { bodyText, mediaType, parseBody } from "../body.ts";
import { batchAnswer, dryRunAnswer } from "../contract/batch.ts";
import { replayBody, replayQuery } from "../contract/replay.ts";
import type { Done, Idempotency } from "../idempotency.ts";
import { route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { wireBatch } from "../wire/batch.ts";
import { batchMade, idParams } from "./batches.ts";

/** POST /api/batch/:id/replay: a new batch of the items another one has. */
export function replayRoutes({ batches, clock, config }: ApiServices, idempotency: Idempotency): Route[] {
  async function replay(caller: Caller, id: string, request: ReplayRequest, dryRun: boolean): Promise<Done> {
    if (dryRun) return { status: 200, body: { success: true, dryRun: true, ...(await batches.replayDryRun(caller, id, request)) } };
    return { status: 201, body: { success: true, batch: wireBatch(await batches.replay(caller, id, request)) } };
  }

  return [
    route({
      method: "POST",
      path: "/api/batch/:id/replay",
      summary: "A new batch of the same items: all, only the failed ones, or some; with other payloads or options where given",
      tag: "Batches",
      need: "operator",
      params: idParams,
      query: replayQuery,
      reads: ["application/json"],
      readsSchema: replayBody,
      creates: true,
      ingests: true,
      limited: true,
      answers: { 201: batchAnswer, 200: dryRunAnswer },
      async handle({ caller, params, query, request }) {
        const text = await bodyText(request, { limit: config.limits.bodyBytes, clock });
        const type = mediaType(request);
        if (text.trim() !== "" && type !== "application/json")
          throw new BatchyardError("unsupported_type", { type: type || "none", accepted: "application/json" });
        const promised = newBatchId(clock.now());
        return await idempotency.run(
          { tenant: caller.tenant, request, text, promised, recover: (id) => batchMade(batches, caller, id) },
          () => replay(caller, params.id, { ...parseReplay(text), id: promised }, query.dryRun === true),
        );
      },
    }),
  ];
}

function parseReplay(text: string): ReplayRequest {
  const value = text.trim() === "" ? {} : parseBody(text, false);
  const parsed = replayBody.safeParse(value);
  if (!parsed.success) throw invalid(faultsOf(parsed.error, replayBody, value));
  return parsed.data;
}
