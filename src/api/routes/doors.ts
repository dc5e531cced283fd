import * as contract from "../contract/access.ts";
import { record } from "../../model/fields.ts";
import { openApiOf } from "../openapi.ts";
import { docsPage } from "../pages/docs.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

/** Health and documentation. `table` is asked when a request comes, so that it holds these routes too. */
export function doorRoutes({ health, log, version }: ApiServices, table: () => readonly Route[]): Route[] {
  return [
    route({
      method: "GET",
      path: "/healthz",
      summary: "The process answers",
      tag: "Health",
      need: "public",
      answers: { 200: contract.healthAnswer },
      handle: async () => ok({ status: "ok" }),
    }),
    route({
      method: "GET",
      path: "/readyz",
      summary: "Store, dispatcher and live state are ready",
      tag: "Health",
      need: "public",
      answers: { 200: contract.readyAnswer, 503: contract.readyAnswer },
      async handle() {
        const { ready, checks: all } = await health();
        // Everybody may ask, so only whether, not why: the messages are in the log.
        const checks = Object.fromEntries(Object.entries(all).map(([name, check]) => [name, { ok: check.ok }]));
        if (!ready) log.warn({ checks: all }, "not ready");
        return { kind: "json", status: ready ? 200 : 503, body: { status: ready ? "ready" : "not_ready", checks } };
      },
    }),
    route({
      method: "GET",
      path: "/openapi.json",
      summary: "This API as OpenAPI 3.1",
      tag: "Documentation",
      need: "viewer",
      answers: { 200: record },
      handle: async () => ok(openApiOf(table(), version)),
    }),
    route({
      method: "GET",
      path: "/docs",
      summary: "This API as a page",
      tag: "Documentation",
      need: "viewer",
      answers: { 200: "text/html" },
      handle: async () => ({ kind: "html", status: 200, html: docsPage(table(), version) }),
    }),
  ];
}
