import { createHash } from "node:crypto";
import { ERROR_CATEGORIES } from "./item.ts";
import type { ErrorCategory } from "./item.ts";

/** What is kept of a thrown value. */
export interface Failure {
  /** One paragraph, at most 8 KB of UTF-8. */
  error: string;
  /** At most 64 of [A-Za-z0-9_.:-]. */
  code: string;
  category: ErrorCategory;
  /** Milliseconds to wait before the next try, when the other side named a time. */
  retryAfterMs: number | null;
  /** What the handler knows although the item failed, e.g. the list of faults of a document. */
  result?: unknown;
  /** 0..1 */
  qualityScore?: number;
}

export interface OperationErrorDetails {
  code?: string | undefined;
  /** `transient`, `resource` and `rate_limit` are retried; `permanent` when absent. */
  category?: ErrorCategory | undefined;
  retryAfterMs?: number | undefined;
  result?: unknown;
  /** 0..1 */
  qualityScore?: number | undefined;
  cause?: unknown;
}

/** Throw this from a handler to say exactly how an item failed. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly code: string;
  readonly category: ErrorCategory;
  readonly retryAfterMs: number | undefined;
  readonly result: unknown;
  readonly qualityScore: number | undefined;

  constructor(message: string, details: OperationErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code ?? "operation_failed";
    this.category = details.category ?? "permanent";
    this.retryAfterMs = details.retryAfterMs;
    this.result = details.result;
    this.qualityScore = details.qualityScore;
  }
}

const MAX_ERROR_BYTES = 8192;
const MAX_CAUSES = 5;
/** A server that asks for more than a day is taken at a day; the batch's deadline decides anyway. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;
const NO_MESSAGE = "The handler failed without saying why";

const TRANSIENT_CODES = new Set([
  "ECONNRESET",
  "ETIMEDOUT",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "EAI_AGAIN",
  "ENETUNREACH",
  "ENETDOWN",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENOTCONN",
]);
const RESOURCE_CODES = new Set(["ENOMEM", "EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "ERR_WORKER_OUT_OF_MEMORY"]);

/**
 * Classes whatever a handler threw. In this order: the error's own `category`; its HTTP status (`status`, `statusCode`,
 * `response.status`); its system or undici code; abort and timeout; each also looked for along `cause`. The error's own
 * `code` is kept in every case.
 *
 * What is left (a TypeError, a string, null) is `handler_error` and transient: most failures of handlers are I/O behind
 * somebody's wrapper, and a wasted retry costs less than an item given up too early. Throw OperationError to say otherwise.
 *
 * `now` (Unix ms) turns a `Retry-After` date into a wait. Never throws.
 */
export function classify(error: unknown, now: number = Date.now()): Failure {
  try {
    return classed(error, now);
  } catch {
    // A proxy or a getter of the thrown value threw itself.
    return { error: NO_MESSAGE, code: "handler_error", category: "transient", retryAfterMs: null };
  }
}

interface Verdict {
  code: string;
  category: ErrorCategory;
  retryAfterMs: number | null;
}

function classed(error: unknown, now: number): Failure {
  const own = verdictOf(error, now);
  const failure: Failure = {
    error: oneParagraph(messageOf(error)),
    ...(own ?? { code: "handler_error", category: "transient", retryAfterMs: null }),
  };
  if (own === null) {
    let cause = propertyOf(error, "cause");
    for (let depth = 0; depth < MAX_CAUSES && cause !== undefined && cause !== null; depth++) {
      const verdict = verdictOf(cause, now);
      if (verdict !== null) {
        Object.assign(failure, verdict);
        const reason = messageOf(cause);
        if (reason !== "" && !failure.error.includes(reason.slice(0, 200))) failure.error = oneParagraph(`${failure.error}: ${reason}`);
        break;
      }
      cause = propertyOf(cause, "cause");
    }
  }
  const ownCode = codeOf(error);
  if (ownCode !== null) failure.code = ownCode;
  // Only of errors that class themselves: elsewhere these names may mean anything.
  if (isCategory(propertyOf(error, "category"))) {
    const result = propertyOf(error, "result");
    if (result !== undefined) failure.result = result;
    const quality = propertyOf(error, "qualityScore");
    if (typeof quality === "number" && quality >= 0 && quality <= 1) failure.qualityScore = quality;
  }
  return failure;
}

/** Null when the value itself says nothing about its class. */
function verdictOf(error: unknown, now: number): Verdict | null {
  if (typeof error !== "object" || error === null) return null;
  const code = codeOf(error);
  const category = propertyOf(error, "category");
  if (isCategory(category)) {
    const wait = propertyOf(error, "retryAfterMs");
    return {
      code: code ?? "operation_failed",
      category,
      retryAfterMs: typeof wait === "number" ? clampWait(wait) : retryAfterOf(error, now),
    };
  }
  const status = statusOf(error);
  if (status !== null)
    return { code: code ?? `http_${status}`, category: categoryOfStatus(status), retryAfterMs: retryAfterOf(error, now) };
  if (code !== null) {
    if (TRANSIENT_CODES.has(code) || code.startsWith("UND_ERR_")) return { code, category: "transient", retryAfterMs: null };
    if (RESOURCE_CODES.has(code)) return { code, category: "resource", retryAfterMs: null };
  }
  const name = propertyOf(error, "name");
  if (name === "AbortError" || name === "TimeoutError") return { code: "timeout", category: "transient", retryAfterMs: null };
  return null;
}

function categoryOfStatus(status: number): ErrorCategory {
  if (status === 429) return "rate_limit";
  if (status === 408 || status === 409 || status === 425 || status >= 500) return "transient";
  if (status === 401 || status === 403) return "configuration";
  return "permanent";
}

function isCategory(value: unknown): value is ErrorCategory {
  return (ERROR_CATEGORIES as readonly unknown[]).includes(value);
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function codeOf(error: unknown): string | null {
  // DOMException has a legacy numeric code (20 for abort) that says less than its name.
  if (error instanceof DOMException) return null;
  const code = propertyOf(error, "code");
  const text = typeof code === "number" ? String(code) : code;
  if (typeof text !== "string") return null;
  const clean = text.slice(0, 64).replace(/[^A-Za-z0-9_.:-]/g, "_");
  return clean === "" ? null : clean;
}

function statusOf(error: unknown): number | null {
  for (const candidate of [
    propertyOf(error, "status"),
    propertyOf(error, "statusCode"),
    propertyOf(propertyOf(error, "response"), "status"),
  ]) {
    if (typeof candidate === "number" && Number.isInteger(candidate) && candidate >= 400 && candidate <= 599) return candidate;
  }
  return null;
}

function retryAfterOf(error: unknown, now: number): number | null {
  const headers = propertyOf(error, "headers") ?? propertyOf(propertyOf(error, "response"), "headers");
  const ms = Number(header(headers, "retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(ms)) return clampWait(ms);
  const value = header(headers, "retry-after")?.trim();
  if (value === undefined || value === "") return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return clampWait(seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : clampWait(date - now);
}

function header(headers: unknown, name: string): string | null {
  if (headers instanceof Headers) return headers.get(name);
  if (typeof headers !== "object" || headers === null) return null;
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name && (typeof value === "string" || typeof value === "number")) return String(value);
  }
  return null;
}

function clampWait(ms: number): number | null {
  return Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.round(ms))) : null;
}

function messageOf(error: unknown): string {
  if (typeof error === "string") return error;
  const message = propertyOf(error, "message");
  if (typeof message === "string") return message;
  if (typeof error === "object" && error !== null) {
    const named = propertyOf(error, "error") ?? propertyOf(error, "name");
    return typeof named === "string" ? named : "";
  }
  return typeof error === "number" || typeof error === "boolean" || typeof error === "bigint" ? String(error) : "";
}

/** Control characters and line breaks become spaces; cut to 8 KB at a character's border. */
export function oneParagraph(text: string): string {
  // Bounded before any expression runs over it: messages of 10 MB exist.
  const line = text
    .slice(0, MAX_ERROR_BYTES * 2)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .toWellFormed();
  if (line === "") return NO_MESSAGE;
  if (line.length * 3 <= MAX_ERROR_BYTES || Buffer.byteLength(line) <= MAX_ERROR_BYTES) return line;
  const bytes = Buffer.from(line);
  let end = MAX_ERROR_BYTES - 3;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.toString("utf8", 0, end)}…`;
}

const MAX_PATTERN = 300;

/** Most specific first: what an earlier rule replaced is no prey of a later one. */
const VARIABLE_PARTS: readonly [RegExp, string][] = [
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>)\]]+/gi, "<url>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>"],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?/g, "<time>"],
  // A quote opens after a non-word and closes before one, so that the apostrophes of "can't" and "users'" pair with nothing.
  [/(?<![\w>])(["'`])(?:(?!\1).){0,400}\1(?!\w)/g, "<text>"],
  [/“[^”]{0,400}”|«[^»]{0,400}»|‘[^’]{0,400}’/g, "<text>"],
  [/\b0x[0-9a-f]+\b/gi, "<hex>"],
  [/\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, "<hex>"],
  [/[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?/gi, "<n>"],
];

export interface Fingerprint {
  /** 12 hex digits; the same for errors that differ only in numbers, ids, quoted texts, addresses and times. */
  fingerprint: string;
  /** The message with those parts replaced, at most 300 characters. */
  pattern: string;
}

/** Groups errors: the code and the shape of the sentence make the group. Stable across processes and versions of Node. */
export function fingerprint(code: string, message: string): Fingerprint {
  let pattern = message.slice(0, 2000);
  for (const [part, name] of VARIABLE_PARTS) pattern = pattern.replace(part, name);
  pattern = pattern.slice(0, MAX_PATTERN).toWellFormed();
  const hash = createHash("sha256").update(code).update("\0").update(pattern).digest("hex");
  return { fingerprint: hash.slice(0, 12), pattern };
}
