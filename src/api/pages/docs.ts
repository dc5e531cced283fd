import { openApiOf, schemaOf } from "../openapi.ts";
import type { Route } from "../route.ts";
import { type Html, html, page } from "./page.ts";

/** The route table as a page: the same facts as /openapi.json, for eyes. */
export function docsPage(routes: readonly Route[], version: string): string {
  const tags = [...new Set(routes.map((route) => route.tag))];
  const { components } = openApiOf([], version) as { components: { schemas: { Error: unknown } } };
  const body = html`<h1>HTTP API</h1>
    <p class="soft">Batchyard ${version}. Machine-readable: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
    <p>
      Send <code>Authorization: Bearer by_…</code> with every request. Creating requests take an <code>Idempotency-Key</code>. Every answer
      has <code>x-request-id</code>; snapshots have <code>x-stream-cursor</code>, from which <code>/api/events?since=</code> goes on without
      a gap.
    </p>
    ${tags.map(
      (tag) =>
        html`<h2>${tag}</h2>
          ${routes.filter((route) => route.tag === tag).map(entry)}`,
    )}
    <h2>Errors</h2>
    <p>Every error has the same envelope; <code>details.errors</code> lists all faults of a validation error at once.</p>
    ${json(components.schemas.Error)}`;
  return page({ title: "API", body, signedIn: true });
}

function entry(route: Route): Html {
  const parameters = route.query === undefined ? null : schemaOf(route.query, "input");
  const bodySchema = route.body ?? route.readsSchema;
  return html`<details>
    <summary><span class="method">${route.method}</span><code>${route.path}</code> <span class="soft">${route.summary}</span></summary>
    <p class="soft">
      Needs:
      ${route.need === "public" ? "nothing" : `role ${route.need}`}${route.creates === true ? " · takes Idempotency-Key" : ""}${
        route.reads === undefined ? "" : ` · body: ${route.reads.join(", ")}`
      }
    </p>
    ${
      parameters === null
        ? null
        : html`<p>Query</p>
            ${json(parameters["properties"])}`
    }
    ${
      bodySchema === undefined
        ? null
        : html`<p>Body</p>
            ${json(schemaOf(bodySchema, "input"))}`
    }
    ${Object.entries(route.answers).map(
      ([status, answer]) =>
        html`<p>Answer ${status}</p>
          ${typeof answer === "string" ? html`<pre>${answer}</pre>` : json(schemaOf(answer, "output"))}`,
    )}
  </details>`;
}

function json(value: unknown): Html {
  return html`<pre>${JSON.stringify(value, null, 2)}</pre>`;
}
