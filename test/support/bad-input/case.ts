import type { Asked, Body } from "../ask.ts";

/** What stands in the server before the first bad request comes. */
export interface World {
  /** A completed batch: `a` succeeded, `b` failed. */
  done: string;
  /** A batch of three items that outside workers report. */
  open: string;
  /** A batch and a file of another tenant. */
  theirBatch: string;
  theirFile: string;
  /** Credentials by what is the matter with them; `viewer` is a good one of little rank. */
  keys: Readonly<Record<"viewer" | "expired" | "revoked", string>>;
}

/** Bytes for a bare socket, where no HTTP client would send them. */
export interface Raw {
  bytes: string;
  /** Cut the connection after the bytes; no answer comes. */
  breakOff?: boolean;
}

export interface BadCase {
  name: string;
  /** Sent as admin with a JSON content type unless the headers say otherwise; an empty header is not sent at all. */
  send: Asked | Raw | ((world: World) => Asked | Raw);
  /** 0 = the connection is gone, there is nobody to answer. */
  status: number;
  code: string;
  /** Parts of the sentence or of a fault's message: what is wrong, and the cure. */
  says?: readonly string[];
  /** Exactly these faults, `path code`, in any order. */
  faults?: readonly string[];
  /** The same request as a value: a program that gives it to the library reads the same error. */
  request?: Record<string, unknown>;
}

export const JSON_TYPE = { "content-type": "application/json" };
export const NDJSON_TYPE = { "content-type": "application/x-ndjson" };

export function post(path: string, body: unknown, headers: Asked["headers"] = JSON_TYPE): Asked {
  return { method: "POST", path, headers, body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body) };
}

/** A create request as exact text or bytes. */
export function createText(body: Body, headers: Asked["headers"] = JSON_TYPE): Asked {
  return { method: "POST", path: "/api/batch/create", headers, body };
}

/** A create request with one thing wrong, over HTTP and from a program. */
export function created(
  name: string,
  request: Record<string, unknown>,
  expected: Omit<BadCase, "name" | "send" | "request" | "status"> & { status?: number },
): BadCase {
  return { status: 400, ...expected, name, send: createText(JSON.stringify(request)), request };
}

/** A create request with these options, in front of one good item. */
export function withOptions(
  name: string,
  options: unknown,
  expected: Omit<BadCase, "name" | "send" | "request" | "status" | "code">,
): BadCase {
  return created(name, { operation: "echo", items: [{ id: "1" }], options }, { code: "validation_failed", ...expected });
}

export const HEAD = '{"operation":"echo"}\n';

/** An NDJSON upload. */
export function upload(body: Body, headers: Asked["headers"] = NDJSON_TYPE): Asked {
  return { method: "POST", path: "/api/batch/create?stream=1", headers, body };
}

export function get(path: string, headers: Asked["headers"] = {}): Asked {
  return { path, headers };
}

/** A cursor as the server writes them, with a content it would not write. */
export function forged(...place: unknown[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** Pieces one after the other, so that nothing declares their length. */
export async function* pieces(...bytes: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of bytes) yield Buffer.from(piece);
}
