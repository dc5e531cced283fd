import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { Caller } from "../batches/service.ts";
import type { Role } from "../store/port.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who may call: `public` needs no credential, a role includes those above it. */
export type Need = "public" | Role;

/** What a handler gives back. A stream is sent piece by piece as its reader takes it. */
export type Outcome =
  | { kind: "json"; status: number; body: unknown }
  /** JSON that is text already: result lines are never parsed and written again. */
  | { kind: "text"; status: number; text: string; replayed?: boolean }
  | { kind: "stream"; stream: AsyncIterable<string | Uint8Array>; headers: Record<string, string> }
  | { kind: "bytes"; bytes: Uint8Array; headers: Record<string, string> }
  | { kind: "html"; status: number; html: string; headers?: Record<string, string> }
  | { kind: "redirect"; to: string }
  /** The handler has written to the socket itself (SSE). */
  | { kind: "sent" };

export function ok(body: unknown): Outcome {
  return { kind: "json", status: 200, body };
}

export function created(body: unknown): Outcome {
  return { kind: "json", status: 201, body };
}

/** One request to one route, parsed. */
export interface Call<P = unknown, Q = unknown, B = unknown> {
  caller: Caller;
  params: P;
  query: Q;
  body: B;
  request: FastifyRequest;
  reply: FastifyReply;
}

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

export interface RouteSpec<P extends z.ZodObject | undefined, Q extends z.ZodObject | undefined, B extends z.ZodType | undefined> {
  method: Method;
  /** Fastify's pattern: `/api/batch/:id`. */
  path: string;
  summary: string;
  /** Heading in the docs. */
  tag: string;
  need: Need;
  params?: P;
  query?: Q;
  /** Of a JSON body. */
  body?: B;
  /** The body is data to keep, not a request to act on: property names and numbers in it are not restricted. */
  carries?: boolean;
  /** Content types of a body that the handler reads itself. */
  reads?: readonly string[];
  /** What /openapi.json shows for a body that the handler reads itself. */
  readsSchema?: z.ZodType;
  /** Obeys Idempotency-Key. */
  creates?: boolean;
  /** Counts against the limit of creations a minute. */
  limited?: boolean;
  /** Counts against the limit of 60 requests a minute that a user of monitoring has. */
  paced?: boolean;
  /** Brings work: it is a span of the caller's trace, and what it makes belongs to that. */
  ingests?: boolean;
  /** Also for shared links, each for its own batch: the parameter `id`. */
  shared?: boolean;
  /** A page that other sites may show in a frame, as far as the configuration names them. */
  framed?: boolean;
  /** Never ends by itself, so HEAD must not run it. */
  endless?: boolean;
  /** Status → schema of the JSON answer, or the content type of another one. */
  answers: Record<number, z.ZodType | string>;
  handle(call: Call<Output<P>, Output<Q>, Output<B>>): Promise<Outcome>;
}

/** A route whose types have been checked where it was written. */
export type Route = Omit<RouteSpec<z.ZodObject | undefined, z.ZodObject | undefined, z.ZodType | undefined>, "handle"> & {
  handle(call: Call): Promise<Outcome>;
};

export function route<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(spec: RouteSpec<P, Q, B>): Route {
  // The dispatcher hands over exactly what the three schemas gave, so the erased signature is met.
  return spec;
}

const RANKS: Record<Need, number> = { public: 0, viewer: 1, operator: 2, admin: 3 };

export function mayCall(role: Role, need: Need): boolean {
  return RANKS[role] >= RANKS[need];
}
