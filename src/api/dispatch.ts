import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Clock } from "../model/clock.ts";
import { BatchyardError, type Fault, invalid } from "../model/errors.ts";
import { bodyText, hasNoBody, mediaType, parseBody } from "./body.ts";
import { faultsOf } from "../model/schema-faults.ts";
import type { Idempotency } from "./idempotency.ts";
import { instantMs } from "../model/fields.ts";
import type { Outcome, Route } from "./route.ts";
import type { Caller } from "../batches/service.ts";
import { traceparentOf } from "../model/trace.ts";
import type { Tracing } from "../tracing/port.ts";

export interface DispatchContext {
  clock: Clock;
  idempotency: Idempotency;
  /** Bytes of a JSON body. */
  bodyLimit: number;
  tracing: Pick<Tracing, "ingest">;
}

/** Runs one request through its route; one that brings work is a span of a trace. */
export async function dispatch(
  route: Route,
  context: DispatchContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  if (route.ingests !== true) return run(route, context, request, reply, request.caller);
  const stream = (request.params as { name?: unknown }).name;
  const span = context.tracing.ingest(`ingest ${route.path}`, traceparentOf(request.headers["traceparent"]), {
    "http.request.method": route.method,
    "http.route": route.path,
    "batchyard.request.id": request.id,
    ...(typeof stream === "string" ? { "batchyard.stream": stream } : {}),
  });
  try {
    const sent = await run(route, context, request, reply, { ...request.caller, traceparent: span.traceparent });
    span.end({ attributes: { "http.response.status_code": reply.statusCode }, error: null });
    return sent;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "internal";
    span.end({ attributes: {}, error: code });
    throw error;
  }
}

/** Parse everything, collect every fault, obey Idempotency-Key, send. */
async function run(
  route: Route,
  context: DispatchContext,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Caller,
): Promise<FastifyReply | undefined> {
  const faults: Fault[] = [];
  const query = parsePart(route.query, coerced(route.query, request.query as Record<string, unknown>), faults);
  const params = parsePart(route.params, request.params, faults);
  let text: string | null = null;
  let body: unknown;
  if (route.reads === undefined) {
    text = await jsonText(route, context, request);
    if (route.body !== undefined) {
      const value = parseBody(text, route.carries === true);
      if (value === undefined && !route.body.safeParse(undefined).success) throw new BatchyardError("empty_body");
      body = parsePart(route.body, value, faults);
    } else if (text.trim() !== "") {
      parsePart(z.strictObject({}), parseBody(text, false), faults);
    }
  }
  if (faults.length > 0) throw invalid(faults);
  const call = { caller, params, query, body, request, reply };
  if (route.creates === true && route.reads === undefined) {
    const outcome = await context.idempotency.run({ tenant: request.caller.tenant, request, text }, async () => {
      const done = await route.handle(call);
      if (done.kind !== "json") throw new Error(`${route.path} creates something, so it must answer with JSON`);
      return done;
    });
    return await send(outcome, request, reply);
  }
  return await send(await route.handle(call), request, reply);
}

async function send(outcome: Outcome, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  switch (outcome.kind) {
    case "json":
      return reply.code(outcome.status).type("application/json; charset=utf-8").send(JSON.stringify(outcome.body));
    case "text":
      if (outcome.replayed === true) reply.header("idempotent-replayed", "true");
      return reply.code(outcome.status).type("application/json; charset=utf-8").send(outcome.text);
    case "bytes":
      return reply.headers(outcome.headers).send(outcome.bytes);
    case "html":
      return reply
        .code(outcome.status)
        .headers(outcome.headers ?? {})
        .type("text/html; charset=utf-8")
        .send(outcome.html);
    case "redirect":
      return reply.redirect(outcome.to, 303);
    case "stream":
      reply.headers(outcome.headers);
      if (request.method === "HEAD") return reply.send();
      return reply.send(Readable.from(outcome.stream, { objectMode: false }));
    case "sent":
      return undefined;
  }
}

/** The text of a JSON body; "" when there is none. Throws unsupported_type for any other body. */
async function jsonText(route: Route, context: DispatchContext, request: FastifyRequest): Promise<string> {
  if (request.method === "GET" || request.method === "HEAD" || hasNoBody(request)) return "";
  const type = mediaType(request);
  const text = await bodyText(request, { limit: context.bodyLimit, clock: context.clock });
  // A form button without fields sends an empty body under a form's type; nothing is there to misread.
  if (text === "") return text;
  if (type !== "application/json") throw new BatchyardError("unsupported_type", { type: type || "none", accepted: acceptedBy(route) });
  return text;
}

function acceptedBy(route: Route): string {
  return (route.reads ?? ["application/json"]).join(", ");
}

function parsePart(schema: z.ZodType | undefined, value: unknown, faults: Fault[]): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  faults.push(...faultsOf(parsed.error, schema, value));
  return undefined;
}

/** Query texts as the values their schema names; what does not fit stays text and is refused there. */
function coerced(schema: z.ZodObject | undefined, query: Record<string, unknown>): Record<string, unknown> {
  // Without a prototype, so that a parameter called __proto__ is one that nobody knows, and not lost.
  const values = Object.create(null) as Record<string, unknown>;
  for (const [name, given] of Object.entries(query)) {
    if (Array.isArray(given) || name.endsWith("[]")) throw new BatchyardError("repeated_parameter", { name: name.replace(/\[\]$/, "") });
    const field = schema !== undefined && Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    values[name] = typeof given === "string" ? coerce(field, given) : given;
  }
  if (schema === undefined && Object.keys(values).length > 0) {
    throw invalid(Object.keys(values).map((name) => ({ path: name, message: `unknown query parameter '${name}'`, code: "unknown_field" })));
  }
  return values;
}

function coerce(field: z.core.$ZodType | undefined, text: string): unknown {
  let type = field;
  while (type instanceof z.ZodOptional || type instanceof z.ZodDefault || type instanceof z.ZodNullable) type = type.unwrap();
  if (type instanceof z.ZodNumber && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (type instanceof z.ZodBoolean && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** Unix milliseconds of a parsed instant. */
export function toMs(value: string | undefined): number | undefined {
  return value === undefined ? undefined : instantMs(value);
}
