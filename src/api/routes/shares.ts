import { z } from "zod";
import type { Caller } from "../../batches/service.ts";
import { iso } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import type { ApiKeyRow } from "../../store/port.ts";
import { issueKey } from "../auth/secrets.ts";
import { doneAnswer } from "../contract/access.ts";
import * as contract from "../contract/shares.ts";
import { created, ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { idParams } from "./batches.ts";

const TAG = "Sharing";
const HOUR_MS = 3_600_000;

/**
 * Links that show one batch to whoever has them, and nothing else: a key of the role viewer that knows its batch. The page is
 * public and empty; the secret stands in the fragment of its address, which is in no request, no log and no referrer.
 */
export function shareRoutes({ access, audit, batches, clock, dashboard }: ApiServices): Route[] {
  const record = (caller: Caller, action: string, target: string, after: unknown): Promise<void> =>
    audit.append({ ...caller, at: clock.now(), action, target, before: null, after, outcome: "SUCCESS" });
  const linksOf = async (tenant: string, batchId: string): Promise<ApiKeyRow[]> =>
    (await access.keys(tenant)).filter((key) => key.batchId === batchId);

  return [
    route({
      method: "POST",
      path: "/api/batch/:id/share",
      summary: "A read-only link to this batch; its secret is shown once",
      tag: TAG,
      need: "operator",
      params: idParams,
      body: contract.shareBody,
      answers: { 201: contract.shareAnswer },
      async handle({ caller, params, body }) {
        const batch = await batches.get(caller, params.id);
        const wanted = { tenant: caller.tenant, name: "shared link", role: "viewer" as const, batchId: batch.id };
        const now = clock.now();
        const { key, secret } = await issueKey(access, { ...wanted, expiresAt: now + body.expiresInHours * HOUR_MS }, now);
        await record(caller, "batch.shared", batch.id, { link: key.id, expiresAt: iso(key.expiresAt) });
        return created({ success: true, link: wireLink(key), path: `/shared/${encodeURIComponent(batch.id)}#${secret}` });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/share",
      summary: "Links to this batch, without their secrets",
      tag: TAG,
      need: "operator",
      params: idParams,
      answers: { 200: contract.sharesAnswer },
      async handle({ caller, params }) {
        const batch = await batches.get(caller, params.id);
        return ok({ success: true, links: (await linksOf(caller.tenant, batch.id)).map(wireLink) });
      },
    }),
    route({
      method: "DELETE",
      path: "/api/batch/:id/share/:link",
      summary: "Revoke a link, at once",
      tag: TAG,
      need: "operator",
      params: z.strictObject({ id: z.string(), link: z.string() }),
      answers: { 200: doneAnswer },
      async handle({ caller, params, request }) {
        const link = (await linksOf(caller.tenant, params.id)).find(({ id }) => id === params.link);
        const revoked = link !== undefined && (await access.revokeKey(caller.tenant, link.id, clock.now()));
        if (!revoked) throw new BatchyardError("not_found", { path: request.url });
        await record(caller, "batch.unshared", params.id, { link: params.link });
        return ok({ success: true });
      },
    }),
    route({
      method: "GET",
      path: "/shared/:id",
      summary: "The page of a shared link: it reads its batch with the secret of its own address",
      tag: TAG,
      need: "public",
      framed: true,
      params: idParams,
      answers: { 200: "text/html" },
      async handle({ request }) {
        if (dashboard === null) throw new BatchyardError("not_found", { path: request.url });
        const headers = { "x-robots-tag": "noindex, nofollow", "referrer-policy": "no-referrer", "cache-control": "no-store" };
        return { kind: "html", status: 200, html: dashboard.page, headers };
      },
    }),
  ];
}

function wireLink({ id, hint, createdAt, expiresAt, revokedAt }: ApiKeyRow): z.output<typeof contract.sharedLink> {
  return { id, hint, createdAt: new Date(createdAt).toISOString(), expiresAt: iso(expiresAt), revokedAt: iso(revokedAt) };
}
