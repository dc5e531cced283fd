import { z } from "zod";
import { iso } from "../../model/clock.ts";
import { BatchyardError, invalid } from "../../model/errors.ts";
import { nothing } from "../../model/fields.ts";
import type { ApiKeyRow, AuditEntry } from "../../store/port.ts";
import { hashSecret, issueKey, issueSignIn, openSession, TOKEN_KEY_ID } from "../auth/secrets.ts";
import { SESSION_COOKIE, type Guard, requireSameOrigin } from "../auth/guard.ts";
import { bodyText, mediaType } from "../body.ts";
import * as contract from "../contract/access.ts";
import { toMs } from "../dispatch.ts";
import { signInPage } from "../pages/sign-in.ts";
import { created, ok, type Outcome, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import type { FastifyReply, FastifyRequest } from "fastify";

const TAG = "Access";

/** Keys, sign-in, sessions. */
export function accessRoutes({ access, audit, clock, settings }: ApiServices, guard: Guard): Route[] {
  async function record(
    entry: Pick<AuditEntry, "tenant" | "actor" | "credential" | "address" | "action" | "target" | "outcome"> & { after?: unknown },
  ): Promise<void> {
    await audit.append({ before: null, after: null, ...entry, at: clock.now() });
  }

  /** Sets the cookie of a new session; the page with a fault when the credential has ended. */
  async function signIn(
    request: FastifyRequest,
    reply: FastifyReply,
    who: { tenant: string; keyId: string; role: ApiKeyRow["role"] },
  ): Promise<Outcome> {
    const session = await openSession(access, who, clock.now());
    if (session === null) return signInPage(401, "This sign-in link is no longer valid. Ask for a new one.");
    reply.setCookie(SESSION_COOKIE, session.value, {
      path: "/",
      httpOnly: true,
      sameSite: "lax",
      secure: isSecure(request),
      maxAge: session.maxAgeSeconds,
    });
    await record({
      tenant: who.tenant,
      actor: `session:${who.keyId}`,
      credential: who.keyId,
      address: request.ip,
      action: "sign_in",
      target: who.keyId,
      outcome: "SUCCESS",
    });
    return { kind: "redirect", to: "/" };
  }

  return [
    route({
      method: "GET",
      path: "/signin",
      summary: "Sign in with a one-time link (?token=), or the form for an API key",
      tag: TAG,
      need: "public",
      query: z.object({ token: z.string().max(200).optional() }),
      answers: { 200: "text/html", 303: "text/html" },
      async handle({ query, request, reply }) {
        if (query.token === undefined || request.method === "HEAD") return signInPage(200, null);
        const who = await access.takeSignIn(hashSecret(query.token), clock.now());
        if (who !== null) return await signIn(request, reply, who);
        await guard.refuse(request.ip);
        return signInPage(401, "This sign-in link is not valid: each link works once, for 15 minutes.");
      },
    }),
    route({
      method: "POST",
      path: "/signin",
      summary: "Sign in with an API key from the form",
      tag: TAG,
      need: "public",
      reads: ["application/x-www-form-urlencoded"],
      answers: { 303: "text/html" },
      async handle({ request, reply }) {
        requireSameOrigin(request.headers);
        if (mediaType(request) !== "application/x-www-form-urlencoded")
          throw new BatchyardError("unsupported_type", { type: mediaType(request), accepted: "application/x-www-form-urlencoded" });
        const form = new URLSearchParams(await bodyText(request, { limit: 8_192, clock }));
        const caller = await guard.byKey(form.get("key")?.trim() ?? "", request.ip);
        // A shared link opens no session: it may see one batch, a session everything of the tenant.
        if (caller === null || caller.onlyBatch !== undefined) {
          const refusal = await guard.refuse(request.ip);
          return signInPage(refusal.status, refusal.message);
        }
        return await signIn(request, reply, { tenant: caller.tenant, keyId: caller.credential ?? TOKEN_KEY_ID, role: caller.role });
      },
    }),
    route({
      method: "GET",
      path: "/api/session",
      summary: "Who am I",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.meAnswer },
      handle: async ({ caller }) =>
        ok({
          success: true,
          tenant: caller.tenant,
          role: caller.role,
          actor: caller.actor,
          dashboard: settings.current().dashboard,
        }),
    }),
    route({
      method: "POST",
      path: "/api/session/link",
      summary: "A one-time sign-in link with the rights of this credential",
      tag: TAG,
      need: "viewer",
      body: nothing,
      answers: { 201: contract.signInLinkAnswer },
      async handle({ caller, request }) {
        if (caller.credential === null) throw new BatchyardError("unauthorized");
        const link = await issueSignIn(access, { tenant: caller.tenant, keyId: caller.credential, role: caller.role }, clock.now());
        await record({ ...caller, address: request.ip, action: "sign_in_link", target: caller.credential, outcome: "SUCCESS" });
        return created({ success: true, path: link.path, expiresAt: iso(link.expiresAt) });
      },
    }),
    route({
      method: "POST",
      path: "/api/session/logout",
      summary: "End this session",
      tag: TAG,
      need: "viewer",
      body: nothing,
      answers: { 200: contract.doneAnswer },
      async handle({ request, reply }) {
        const cookie = request.cookies[SESSION_COOKIE];
        if (cookie !== undefined) await access.deleteSession(hashSecret(cookie));
        reply.clearCookie(SESSION_COOKIE, { path: "/" });
        if ((request.headers.accept ?? "").includes("text/html")) return { kind: "redirect", to: "/signin" };
        return ok({ success: true });
      },
    }),
    route({
      method: "GET",
      path: "/api/keys",
      summary: "API keys, without their secrets",
      tag: TAG,
      need: "admin",
      answers: { 200: contract.keysAnswer },
      handle: async ({ caller }) =>
        ok({ success: true, keys: (await access.keys(caller.tenant)).filter(({ batchId }) => batchId === null).map(wireKey) }),
    }),
    route({
      method: "POST",
      path: "/api/keys",
      summary: "A new API key; its secret is shown once",
      tag: TAG,
      need: "admin",
      body: contract.newKeyBody,
      answers: { 201: contract.newKeyAnswer },
      async handle({ caller, body }) {
        const expiresAt = toMs(body.expiresAt) ?? null;
        if (expiresAt !== null && expiresAt <= clock.now())
          throw invalid([{ path: "expiresAt", message: "has already passed; give a time to come, or leave it out", code: "out_of_range" }]);
        const { key, secret } = await issueKey(access, { tenant: caller.tenant, name: body.name, role: body.role, expiresAt }, clock.now());
        await record({ ...caller, action: "key_created", target: key.id, outcome: "SUCCESS", after: { name: key.name, role: key.role } });
        return created({ success: true, key: wireKey(key), secret });
      },
    }),
    route({
      method: "DELETE",
      path: "/api/keys/:id",
      summary: "Revoke a key and its sessions, at once",
      tag: TAG,
      need: "admin",
      params: z.strictObject({ id: z.string() }),
      answers: { 200: contract.doneAnswer },
      async handle({ caller, params, request }) {
        if (!(await access.revokeKey(caller.tenant, params.id, clock.now()))) throw new BatchyardError("not_found", { path: request.url });
        await record({ ...caller, action: "key_revoked", target: params.id, outcome: "SUCCESS" });
        return ok({ success: true });
      },
    }),
  ];
}

/** Whether the browser speaks TLS, to us or to a proxy in front. A client that lies keeps only its own cookie from plain HTTP. */
function isSecure({ protocol, headers }: FastifyRequest): boolean {
  return protocol === "https" || headers["x-forwarded-proto"] === "https" || (headers.origin ?? "").startsWith("https://");
}

function wireKey(key: ApiKeyRow): z.output<typeof contract.apiKey> {
  return {
    id: key.id,
    name: key.name,
    role: key.role,
    hint: key.hint,
    createdAt: new Date(key.createdAt).toISOString(),
    expiresAt: iso(key.expiresAt),
    revokedAt: iso(key.revokedAt),
    lastUsedAt: iso(key.lastUsedAt),
  };
}
