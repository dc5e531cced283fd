import { z } from "zod";
import { BatchyardError } from "../../model/errors.ts";
import { answerOf } from "../pages/dashboard.ts";
import { homePage } from "../pages/home.ts";
import { type Call, type Outcome, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { wireBatch } from "../wire/batch.ts";

const TAG = "Dashboard";

/** Every address of the dashboard, as its router knows them: a reload of any of them is answered with the same page. */
const PAGES: Readonly<Record<string, string>> = {
  "/": "Overview",
  "/batches": "Batches",
  "/batches/:id": "One batch, the form of a new one (/batches/new), or two compared (/batches/compare)",
  "/streams": "Streams and their open windows",
  "/streams/:name": "One stream: windows, closures, limits and what a change of them would do",
  "/flow": "Where the time goes, and what holds it up",
  "/workers": "Who works, and on what",
  "/failures": "What fails, grouped by cause",
  "/alerts": "What fires, the rules, silences and channels",
  "/history": "Any figure over time",
  "/costs": "What was paid and saved",
  "/events": "What happens, as it happens",
  "/audit": "Who changed what",
  "/settings": "Settings, keys, retention and channels",
};

/** The built dashboard. Where it was not built, `/` shows the newest batches without it. */
export function dashboardRoutes({ batches, dashboard }: ApiServices): Route[] {
  async function front({ caller, request }: Call): Promise<Outcome> {
    if (dashboard !== null) return { kind: "html", status: 200, html: dashboard.page };
    const { batches: rows, total } = await batches.history(caller, { limit: 25 });
    const html = homePage(
      rows.map((batch) => wireBatch(batch)),
      total,
      `${request.protocol}://${request.host}`,
    );
    return { kind: "html", status: 200, html };
  }
  return [
    ...Object.entries(PAGES).map(([path, summary]) =>
      route({
        method: "GET",
        path,
        summary: `The dashboard: ${summary}`,
        tag: TAG,
        need: "viewer",
        // What is looked at stands in the address; the page reads it, not the server.
        query: z.looseObject({}),
        answers: { 200: "text/html" },
        handle: (call) => front(call),
      }),
    ),
    route({
      method: "GET",
      path: "/assets/:file",
      summary: "A file of the dashboard: code and style, no data",
      tag: TAG,
      need: "public",
      params: z.strictObject({ file: z.string().max(200) }),
      answers: { 200: "application/octet-stream" },
      async handle({ params, request }) {
        const asset = dashboard?.assets.get(params.file);
        if (asset === undefined) throw new BatchyardError("not_found", { path: `/assets/${params.file}` });
        const accepted = request.headers["accept-encoding"];
        return { kind: "bytes", ...answerOf(asset, typeof accepted === "string" ? accepted : "") };
      },
    }),
  ];
}
