import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Socket } from "node:net";
import { STATUS_CODES } from "node:http";
import { BatchyardError, ERRORS } from "../model/errors.ts";
import { newId } from "../model/ids.ts";
import { OpenAiError, toOpenAiError } from "../openai/error.ts";
import type { Method } from "./route.ts";

/** The one envelope of every error. */
function envelopeOf(error: BatchyardError, requestId: string): Record<string, unknown> {
  const details = error.errors === undefined ? {} : { details: { errors: error.errors } };
  return { success: false, error: error.message, code: error.code, ...details, requestId };
}

/** Answers in the envelope of the surface that was asked. */
export function sendError(reply: FastifyReply, request: FastifyRequest, error: BatchyardError | OpenAiError): FastifyReply {
  const openAi = isOpenAiPath(request.url);
  const wait = error.retryAfterSeconds ?? null;
  // OpenAI's clients take no longer wait than a minute for one.
  if (wait !== null) reply.header("retry-after", String(Math.max(1, Math.min(openAi ? 60 : Infinity, Math.ceil(wait)))));
  // Said here too, because an address that cannot be read is answered before any hook runs.
  reply.headers({ "x-request-id": request.id, "cache-control": "no-store", "x-content-type-options": "nosniff" });
  // After these the rest of the body is not worth reading. Who sends nothing is cut off at once. Who sends too much may still be
  // writing: closing under it would turn the answer into a broken pipe, so what comes is thrown away for a while first.
  if (error.status === 408) reply.header("connection", "close");
  if (error.status === 413) cutOffLater(request);
  const shown = error instanceof OpenAiError ? error : openAi ? toOpenAiError(error) : error;
  if (shown instanceof OpenAiError) {
    const retry = shown.shouldRetry ?? !isPermanent(shown.status);
    reply.header("x-should-retry", String(retry));
  }
  return reply
    .code(error.status)
    .type("application/json; charset=utf-8")
    .send(JSON.stringify(shown instanceof OpenAiError ? shown.body : envelopeOf(shown, request.id)));
}

/** Sending the same request again will not help. */
function isPermanent(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** The surface of OpenAI's clients, with its own envelope of errors. */
export function isOpenAiPath(url: string): boolean {
  return /^\/v1(?:[/?#]|$)/.test(url);
}

/** How long a client that was refused for size may go on sending before its connection is cut. */
const LINGER_MS = 3000;

function cutOffLater({ raw }: FastifyRequest): void {
  raw.resume();
  setTimeout(() => {
    if (!raw.complete) raw.destroy();
  }, LINGER_MS).unref();
}

/** Anything that was thrown, as an error a client may read. What we did not foresee becomes `internal`, and only the log has it. */
export function asClientError(thrown: unknown, request: FastifyRequest): BatchyardError | OpenAiError {
  if (thrown instanceof BatchyardError || thrown instanceof OpenAiError) return thrown;
  const error = thrown as Partial<FastifyError>;
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
    case "FST_REQ_FILE_TOO_LARGE":
      return new BatchyardError("too_large", { limit: "the allowed number of" });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
    case "FST_INVALID_MULTIPART_CONTENT_TYPE":
      return new BatchyardError("unsupported_type", { type: request.headers["content-type"] ?? "", accepted: "application/json" });
    case "FST_ERR_BAD_URL":
    case "FST_ERR_MAX_PARAM_LENGTH":
      return new BatchyardError("not_found", { path: pathOf(request.url) });
    case "ECONNRESET":
    case "ERR_STREAM_PREMATURE_CLOSE":
      return new BatchyardError("bad_json", { reason: "it broke off" });
    default:
      break;
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new BatchyardError("validation_failed", { summary: error.message ?? "not understood" });
  }
  request.log.error({ err: thrown, requestId: request.id }, "request failed");
  return new BatchyardError("internal", {}, { cause: thrown });
}

/** 404 or, where the path exists under other methods, 405 with Allow. */
export function installNotFound(app: FastifyInstance, routes: readonly { method: Method; path: string }[]): void {
  const patterns = routes.map(({ method, path }) => ({
    method,
    pattern: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/:[A-Za-z]+/g, "[^/]+")}$`),
  }));
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url);
    if (isOpenAiPath(path)) return sendError(reply, request, unknownOpenAi(request.method, path, patterns));
    const allowed = new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method as string));
    if (allowed.has("GET")) allowed.add("HEAD");
    if (allowed.size === 0 || allowed.has(request.method)) return sendError(reply, request, new BatchyardError("not_found", { path }));
    const list = [...allowed].sort().join(", ");
    reply.header("allow", list);
    return sendError(reply, request, new BatchyardError("method_not_allowed", { method: request.method, path, allowed: list }));
  });
}

/** As OpenAI words it. */
function unknownOpenAi(method: string, path: string, patterns: readonly { method: Method; pattern: RegExp }[]): OpenAiError {
  const allowed = patterns.filter(({ pattern }) => pattern.test(path)).map((each) => each.method);
  if (allowed.length === 0) return new OpenAiError(404, `Invalid URL (${method} ${path})`, { code: "unknown_url" });
  return new OpenAiError(405, `Not allowed to ${method} on ${path} (HINT: Perhaps you meant to make a ${allowed.join(" or ")} request?)`, {
    code: "method_not_supported",
  });
}

/** The answer to bytes that are no HTTP request, written by hand because there is no request yet. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const fault =
    error.code === "HPE_HEADER_OVERFLOW"
      ? new BatchyardError("header_too_large")
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? new BatchyardError("upload_too_slow", { seconds: 30 })
        : error.code === "HPE_INVALID_METHOD"
          ? new BatchyardError("method_not_allowed", { method: "This method", path: "this address", allowed: "GET, POST, PUT, DELETE" })
          : new BatchyardError("validation_failed", { summary: "the bytes are not an HTTP/1.1 request" });
  const requestId = newId("req");
  const body = JSON.stringify(envelopeOf(fault, requestId));
  const head = [
    `HTTP/1.1 ${fault.status} ${STATUS_CODES[fault.status] ?? "Error"}`,
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    ...(fault.status === ERRORS.method_not_allowed.status ? ["allow: GET, HEAD, POST, PUT, DELETE"] : []),
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}
