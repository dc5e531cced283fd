import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Clock } from "../../model/clock.ts";
import { mayCall, type Route } from "../route.ts";
import { serve, TOKEN, type Served } from "../server.fixture.ts";
import { issueSignIn } from "../auth/secrets.ts";

let served: Served;
let now = Date.UTC(2026, 0, 1);
const clock: Clock = { now: () => now, elapsed: () => now, after: () => () => undefined };
beforeAll(async () => {
  served = await serve({ clock });
});
afterAll(() => served.close());

const ORIGIN = { origin: "http://localhost:80", host: "localhost:80" };
const path = (route: Route): string => route.path.replace(/:id/, "batch_1_aaaaaaaaa").replace(/:[A-Za-z]+/g, "x");

describe("credentials", () => {
  it("every route but the public ones answers 401 without one, unknown routes too", async () => {
    let checked = 0;
    for (const route of served.api.routes.filter((candidate) => candidate.need !== "public")) {
      const answer = await served.app.inject({ method: route.method, url: path(route) });
      const body = answer.json<{ code?: string; error?: { code?: string } }>();
      const expected = route.path.startsWith("/v1/") ? "invalid_api_key" : "unauthorized";
      expect([route.path, answer.statusCode, body.code ?? body.error?.code]).toEqual([route.path, 401, expected]);
      expect(answer.headers["x-request-id"]).toBeTruthy();
      checked += 1;
    }
    expect(checked).toBeGreaterThan(35);
    expect((await served.app.inject({ method: "GET", url: "/nothing" })).statusCode).toBe(401);
    expect((await served.app.inject({ method: "GET", url: "/healthz" })).json()).toEqual({ status: "ok" });
    expect((await served.app.inject({ method: "GET", url: "/readyz" })).statusCode).toBe(200);
    expect((await served.app.inject({ method: "GET", url: "/signin" })).statusCode).toBe(200);
  });

  it("each role may call exactly what its rank allows", async () => {
    for (const role of ["viewer", "operator", "admin"] as const) {
      const secret = await served.key(role, "roles");
      for (const route of served.api.routes.filter((candidate) => candidate.need !== "public" && candidate.endless !== true)) {
        if (route.path === "/api/session/logout") continue;
        const answer = await served.app.inject({ method: route.method, url: path(route), headers: { authorization: `Bearer ${secret}` } });
        expect([role, route.method, route.path, answer.statusCode === 403]).toEqual([
          role,
          route.method,
          route.path,
          !mayCall(role, route.need),
        ]);
        expect(answer.statusCode).toBeLessThan(500);
        expect(answer.headers["cache-control"]).toBe("no-store");
      }
    }
  });

  it("wrong, revoked and expired keys get the same text; a revoked one at once", async () => {
    const admin = await served.key("admin", "k");
    const made = await served.app.inject({
      method: "POST",
      url: "/api/keys",
      headers: { authorization: `Bearer ${admin}` },
      payload: { name: "ci", role: "viewer", expiresAt: "2026-01-02" },
    });
    expect(made.statusCode).toBe(201);
    const { key, secret } = made.json<{ key: { id: string }; secret: string }>();
    expect(secret).toMatch(/^by_[A-Za-z0-9_-]{43}$/);
    const list = await served.app.inject({ method: "GET", url: "/api/keys", headers: { authorization: `Bearer ${admin}` } });
    expect(list.body).not.toContain(secret);
    const ask = async (credential: string) => {
      const answer = await served.app.inject({
        method: "GET",
        url: "/api/session",
        headers: { authorization: `Bearer ${credential}`, "x-request-id": "same" },
        remoteAddress: "10.0.0.9",
      });
      return [answer.statusCode, answer.body];
    };
    expect((await ask(secret))[0]).toBe(200);
    const again = await served.app.inject({ method: "GET", url: "/api/keys", headers: { authorization: `Bearer ${admin}` } });
    const usedOf = (answer: typeof list) =>
      answer.json<{ keys: { id: string; lastUsedAt: string | null }[] }>().keys.find(({ id }) => id === key.id)!.lastUsedAt;
    expect([usedOf(list), usedOf(again)]).toEqual([null, new Date(now - (now % 60_000)).toISOString()]);
    const wrong = await ask(`by_${"x".repeat(43)}`);
    now += 2 * 86_400_000;
    const expired = await ask(secret);
    now -= 2 * 86_400_000;
    await served.app.inject({ method: "DELETE", url: `/api/keys/${key.id}`, headers: { authorization: `Bearer ${admin}` } });
    expect(await ask(secret)).toEqual(wrong);
    expect(expired).toEqual(wrong);
    expect(wrong[0]).toBe(401);
  });

  it("tells who is signed in, and how the settings want an open page to ask", async () => {
    const me = async () =>
      (await served.app.inject({ method: "GET", url: "/api/session", headers: { authorization: `Bearer ${TOKEN}` } })).json<object>();
    expect(await me()).toMatchObject({
      role: "admin",
      dashboard: { refreshSeconds: 10, alertsSeconds: 30, detailSeconds: 5, maxRetries: 2, retryDelayMs: 1_000 },
    });
    await served.app.inject({
      method: "PATCH",
      url: "/api/v1/settings",
      headers: { authorization: `Bearer ${TOKEN}` },
      payload: { dashboard: { refresh_seconds: 60, max_retries: 0 } },
    });
    expect(await me()).toMatchObject({ dashboard: { refreshSeconds: 60, alertsSeconds: 30, maxRetries: 0 } });
  });

  it("slows down whoever guesses, and lets the right key through", async () => {
    const guess = (credential: string) =>
      served.app.inject({
        method: "GET",
        url: "/api/session",
        headers: { authorization: `Bearer ${credential}` },
        remoteAddress: "10.0.0.1",
      });
    for (let i = 0; i < 10; i++) expect((await guess(`by_${i}`)).statusCode).toBe(401);
    const limited = await guess("by_11");
    expect(limited.statusCode).toBe(429);
    expect(Number(limited.headers["retry-after"])).toBeGreaterThan(0);
    expect((await guess(TOKEN)).statusCode).toBe(200);
    now += 60_000;
    expect((await guess("by_12")).statusCode).toBe(401);
  });

  it("refuses keys in the URL and does not log them", async () => {
    for (const url of [`/api/batch/stats?x=${TOKEN}`, "/api/batch/stats?api_key=1", `/healthz?y=by_${"a".repeat(43)}`]) {
      const answer = await served.app.inject({ method: "GET", url });
      expect(answer.json()).toMatchObject({ code: "key_in_url" });
    }
    expect(served.logged.join("")).not.toContain(TOKEN);
  });
});

describe("tenants", () => {
  it("another tenant's batch is missing, byte for byte", async () => {
    const mine = await served.create({ operation: "echo", total_items: 1 });
    const stranger = await served.key("admin", "stranger");
    const ids = ["batch_1_aaaaaaaaa", mine];
    for (const route of served.api.routes.filter((candidate) => candidate.path.startsWith("/api/batch/:id"))) {
      const answers = await Promise.all(
        ids.map(async (id) => {
          const payload = route.path.endsWith("priority")
            ? { priority: "low" }
            : route.path.endsWith("finish")
              ? { reason: "x" }
              : route.path.endsWith("results") && route.method === "POST"
                ? { nodeId: "1", success: true }
                : undefined;
          const url = route.path.replace(":id", id).replace(":nodeId", "1") + (route.path.endsWith("export") ? "?format=csv" : "");
          const answer = await served.app.inject({
            method: route.method,
            url,
            headers: { authorization: `Bearer ${stranger}`, "x-request-id": "same" },
            ...(payload === undefined ? {} : { payload }),
          });
          return [answer.statusCode, answer.body.replaceAll(id, "ID")];
        }),
      );
      expect([route.path, answers[1]]).toEqual([route.path, answers[0]]);
      expect(answers[0]![0]).toBe(route.path.endsWith("cancel") ? 400 : 404);
    }
  });
});

describe("sessions", () => {
  const signIn = async (): Promise<string> => {
    const secret = await served.key("operator", "s");
    const link = await served.app.inject({ method: "POST", url: "/api/session/link", headers: { authorization: `Bearer ${secret}` } });
    const { path: linkPath } = link.json<{ path: string }>();
    const answer = await served.app.inject({ method: "GET", url: linkPath });
    expect(answer.statusCode).toBe(303);
    expect(answer.headers.location).toBe("/");
    expect((await served.app.inject({ method: "GET", url: linkPath })).statusCode).toBe(401);
    const set = String(answer.headers["set-cookie"]);
    expect(set).toMatch(/^batchyard_session=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    return set.split(";")[0]!;
  };

  it("come from a one-time link, show the page, and end at logout", async () => {
    const cookie = await signIn();
    const home = await served.app.inject({ method: "GET", url: "/", headers: { cookie } });
    expect(home.statusCode).toBe(200);
    expect(home.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(home.body).not.toContain("<script");
    expect(home.body).toContain("curl -s http://localhost:80/api/batch/create");
    // The policy lets exactly this style in: a page whose style differs by a blank would be shown without any.
    for (const url of ["/", "/docs", "/signin"]) {
      const shown = await served.app.inject({ method: "GET", url, headers: { cookie } });
      const style = /<style>([\s\S]*?)<\/style>/.exec(shown.body)![1]!;
      expect(shown.headers["content-security-policy"]).toContain(`'sha256-${createHash("sha256").update(style).digest("base64")}'`);
    }
    expect((await served.app.inject({ method: "GET", url: "/docs", headers: { cookie } })).body).toContain("/api/batch/create");
    expect((await served.app.inject({ method: "POST", url: "/api/session/logout", headers: { cookie, ...ORIGIN } })).statusCode).toBe(200);
    expect((await served.app.inject({ method: "GET", url: "/", headers: { cookie } })).statusCode).toBe(401);
    now += 1;
  });

  it("end after twelve hours", async () => {
    const cookie = await signIn();
    now += 12 * 3_600_000 + 1;
    expect((await served.app.inject({ method: "GET", url: "/", headers: { cookie } })).statusCode).toBe(401);
  });

  it("do not work from another site", async () => {
    const cookie = await signIn();
    const post = (headers: Record<string, string>) =>
      served.app.inject({
        method: "POST",
        url: "/api/batch/create",
        headers: { cookie, host: "localhost:80", ...headers },
        payload: { operation: "echo", items: [] },
      });
    for (const headers of [
      {},
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { origin: ORIGIN.origin, "sec-fetch-site": "same-site" },
    ]) {
      expect((await post(headers as Record<string, string>)).json()).toMatchObject({ code: "cross_site_request" });
    }
    expect((await post({ origin: ORIGIN.origin })).statusCode).toBe(201);
    expect((await post({ "sec-fetch-site": "same-origin" })).statusCode).toBe(201);
  });

  it("open with an API key in the form, and with the environment's token", async () => {
    const form = (key: string) =>
      served.app.inject({
        method: "POST",
        url: "/signin",
        headers: { ...ORIGIN, "content-type": "application/x-www-form-urlencoded" },
        payload: `key=${encodeURIComponent(key)}`,
      });
    expect((await form("nonsense")).statusCode).toBe(401);
    expect((await form(TOKEN)).statusCode).toBe(303);
    const link = await issueSignIn(served.yard.store.access, { tenant: "default", keyId: "key_gone", role: "admin" }, now);
    expect((await served.app.inject({ method: "GET", url: link.path })).statusCode).toBe(401);
  });

  it("show a browser without one the page that helps", async () => {
    const answer = await served.app.inject({ method: "GET", url: "/", headers: { accept: "text/html" } });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["content-type"]).toContain("text/html");
  });
});

describe("documentation", () => {
  it("describes exactly the routes that are served", async () => {
    const { json } = await served.send({ method: "GET", url: "/openapi.json" });
    const { openapi, paths } = json as unknown as { openapi: string; paths: Record<string, Record<string, { operationId: string }>> };
    expect(openapi).toBe("3.1.0");
    const described = Object.entries(paths).flatMap(([at, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${at}`),
    );
    const routes = served.api.routes.map((route) => `${route.method} ${route.path.replace(/:([A-Za-z]+)/g, "{$1}")}`);
    expect(described.sort()).toEqual(routes.sort());
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map((operation) => operation.operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
