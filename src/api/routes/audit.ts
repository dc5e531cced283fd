import type { z } from "zod";
import { decodeCursor, encodeCursor } from "../../batches/cursor.ts";
import type { Caller } from "../../batches/service.ts";
import { iso } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import { DEFAULT_TENANT } from "../../model/tenant.ts";
import type { AuditFilter, AuditVerdict, StoredAudit } from "../../store/port.ts";
import * as contract from "../contract/audit.ts";
import { toMs } from "../dispatch.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

/** The same under two names: what the whole server keeps, and beside the monitoring it is about. */
const BASES = ["/api/admin/audit", "/api/admin/batch-monitoring/audit"] as const;

/** Who did what. Reading it leaves a trace, too. */
export function auditRoutes({ audit, clock }: ApiServices): Route[] {
  const trace = async ({ tenant, actor, credential, address }: Caller, target: string, after: unknown): Promise<void> =>
    audit.append({
      tenant,
      actor,
      credential,
      address,
      at: clock.now(),
      action: "audit_access",
      target,
      before: null,
      after,
      outcome: "SUCCESS",
    });
  return BASES.flatMap((base) => [
    route({
      method: "GET",
      path: base,
      summary: "The audit log, newest first",
      tag: "Audit",
      need: "admin",
      paced: true,
      query: contract.auditQuery,
      answers: { 200: contract.auditAnswer },
      async handle({ caller, query }) {
        await trace(caller, base, query);
        const before = query.cursor === undefined ? null : Number(decodeCursor("audit", query.cursor, ["number"])[0]);
        const rows = await audit.list(caller.tenant, { before, limit: query.limit + 1, filter: filterOf(query) });
        const shown = rows.slice(0, query.limit);
        const nextCursor = rows.length > query.limit ? encodeCursor("audit", [shown.at(-1)!.seq]) : null;
        return ok({ success: true, entries: shown.map(wireEntry), nextCursor });
      },
    }),
    route({
      method: "GET",
      path: `${base}/verify`,
      summary: "Whether nobody edited, removed, moved, cut or rewrote an entry",
      tag: "Audit",
      need: "admin",
      paced: true,
      query: contract.auditVerifyQuery,
      answers: { 200: contract.auditVerifyAnswer },
      async handle({ caller, query }) {
        const [seq, hash] = (query.head ?? "").split(":");
        const verdict = await audit.verify(query.head === undefined ? undefined : { seq: Number(seq), hash: hash! });
        await trace(caller, `${base}/verify`, { ok: verdict.ok });
        return ok(wireVerdict(verdict));
      },
    }),
    route({
      method: "POST",
      path: `${base}/anchor`,
      summary: "Takes the audit log as it is for what is proven from now on, when its anchor is gone, put back or does not fit",
      tag: "Audit",
      need: "admin",
      paced: true,
      body: contract.auditAcceptBody,
      answers: { 200: contract.auditVerifyAnswer },
      async handle({ caller, body }) {
        const { tenant, actor, credential, address } = caller;
        // The log of all tenants is one chain.
        if (tenant !== DEFAULT_TENANT) throw new BatchyardError("forbidden", { role: `admin of the tenant '${DEFAULT_TENANT}'` });
        const verdict = await audit.accept({ tenant, actor, credential, address, at: clock.now() }, body.reason);
        if (verdict === null) throw new BatchyardError("audit_whole");
        return ok(wireVerdict(verdict));
      },
    }),
    route({
      method: "GET",
      path: `${base}/export`,
      summary: "The audit log as lines of JSON, oldest first",
      tag: "Audit",
      need: "admin",
      paced: true,
      query: contract.auditExportQuery,
      answers: { 200: "application/x-ndjson" },
      async handle({ caller, query }) {
        await trace(caller, `${base}/export`, query);
        const lines = linesOf(audit.scan(caller.tenant, filterOf(query)));
        const headers = {
          "content-type": "application/x-ndjson; charset=utf-8",
          "content-disposition": 'attachment; filename="audit.jsonl"',
        };
        return { kind: "stream", stream: lines, headers };
      },
    }),
  ]);
}

async function* linesOf(blocks: AsyncIterable<StoredAudit[]>): AsyncGenerator<string> {
  for await (const block of blocks) yield block.map((entry) => `${JSON.stringify(wireEntry(entry))}\n`).join("");
}

function filterOf({ from, to, action, actor, target, outcome }: z.output<typeof contract.auditExportQuery>): AuditFilter {
  return { action, actor, target, outcome, from: toMs(from), to: toMs(to) };
}

function wireVerdict({ head, ...verdict }: AuditVerdict): z.output<typeof contract.auditVerifyAnswer> {
  return { success: true, ...verdict, head: head === null ? null : `${head.seq}:${head.hash}` };
}

function wireEntry({ tenant: _, at, before, after, ...entry }: StoredAudit): z.output<typeof contract.auditEntry> {
  return { ...entry, at: iso(at)!, before: before ?? null, after: after ?? null };
}
