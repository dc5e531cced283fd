import { z } from "zod";
import * as access from "./contract/access.ts";
import type { Route } from "./route.ts";

type Json = Record<string, unknown>;

const ERROR_STATUSES: Record<string, string> = {
  "400": "The request is not valid; details.errors has every fault",
  "401": "No credential, or one that does not hold",
  "403": "The role does not suffice, or the request comes from another site",
  "404": "Not there, or another tenant's",
  "409": "The state forbids it, or an Idempotency-Key is used otherwise",
  "413": "Too large",
  "415": "Content type not supported",
  "429": "Too many requests; see Retry-After",
  "500": "Our fault; the request id finds it in the log",
  "503": "Overloaded or stopping; see Retry-After",
};

/** OpenAPI 3.1 of a route table, all schemas out of the zod contract. */
export function openApiOf(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([A-Za-z]+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Batchyard",
      version,
      description:
        "Batches of items, run to a provable end. Every answer carries `x-request-id`; snapshots carry `x-stream-cursor`, from which `/api/events` goes on without a gap.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }, { session: [] }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "An API key: `Authorization: Bearer by_…`" },
        session: { type: "apiKey", in: "cookie", name: "batchyard_session" },
      },
      schemas: { Error: schemaOf(access.envelope, "output") },
    },
  };
}

function operationOf(route: Route): Json {
  const operation: Json = {
    operationId: nameOf(route),
    summary: route.summary,
    tags: [route.tag],
    parameters: [...parametersOf(route, "path"), ...parametersOf(route, "query"), ...headersOf(route)],
    responses: responsesOf(route),
  };
  if (route.need === "public") operation["security"] = [];
  else operation["x-role"] = route.need;
  const body = bodyOf(route);
  if (body !== null) operation["requestBody"] = body;
  return operation;
}

/** `get_api_batch_id_results`: stable, unique, readable in generated clients. */
function nameOf(route: Route): string {
  return `${route.method.toLowerCase()}${route.path.replace(/[^A-Za-z0-9]+/g, "_").replace(/_$/, "") || "_root"}`;
}

function parametersOf(route: Route, place: "path" | "query"): Json[] {
  if (place === "path" && route.params === undefined) {
    return [...route.path.matchAll(/:([A-Za-z]+)/g)].map((match) => ({
      name: match[1],
      in: "path",
      required: true,
      schema: { type: "string" },
    }));
  }
  const schema = place === "path" ? route.params : route.query;
  if (schema === undefined) return [];
  const json = schemaOf(schema, "input");
  const required = new Set((json["required"] as string[] | undefined) ?? []);
  return Object.entries((json["properties"] as Record<string, Json>) ?? {}).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      required: place === "path" || required.has(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function headersOf(route: Route): Json[] {
  if (route.creates !== true) return [];
  return [
    {
      name: "Idempotency-Key",
      in: "header",
      required: false,
      description: "Same key and request → same answer, for 24 h",
      schema: { type: "string", minLength: 1, maxLength: 255 },
    },
  ];
}

function bodyOf(route: Route): Json | null {
  if (route.reads !== undefined) {
    const json = route.readsSchema === undefined ? { type: "string", format: "binary" } : schemaOf(route.readsSchema, "input");
    const content = Object.fromEntries(
      route.reads.map((type) => [type, { schema: type === "application/json" ? json : { type: "string", format: "binary" } }]),
    );
    return { required: true, content };
  }
  if (route.body === undefined) return null;
  return { required: !route.body.safeParse(undefined).success, content: { "application/json": { schema: schemaOf(route.body, "input") } } };
}

function responsesOf(route: Route): Json {
  const responses: Json = {};
  for (const [status, answer] of Object.entries(route.answers)) {
    const content =
      typeof answer === "string"
        ? { [answer]: { schema: { type: "string" } } }
        : { "application/json": { schema: schemaOf(answer, "output") } };
    responses[status] = { description: Number(status) === 201 ? "Created" : "OK", content };
  }
  for (const [status, description] of Object.entries(ERROR_STATUSES)) {
    if (route.need === "public" && (status === "401" || status === "403")) continue;
    responses[status] ??= { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } };
  }
  return responses;
}

export function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const json = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json;
  delete json["$schema"];
  return json;
}
