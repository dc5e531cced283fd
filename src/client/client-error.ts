import type { Answer } from "./fetch.ts";

/** One fault of a request; `path` is dotted ("options.batchSize"). */
export interface ErrorDetail {
  path: string;
  message: string;
  code: string;
}

/** Every refusal and every failure to reach the server; branch on `code`, never on the text. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  /** A code of the server's error table, or `unreachable`, `aborted`, `unexpected_answer`. */
  readonly code: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly details: ErrorDetail[];
  readonly requestId: string | null;
  /** Seconds the server asked to wait. */
  readonly retryAfterSeconds: number | null;

  constructor(
    message: string,
    facts: {
      code: string;
      status?: number;
      details?: ErrorDetail[];
      requestId?: string | null;
      retryAfterSeconds?: number | null;
      cause?: unknown;
    },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.status = facts.status ?? 0;
    this.details = facts.details ?? [];
    this.requestId = facts.requestId ?? null;
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
  }

  /** True when the same request may succeed later: no answer, a server in trouble, or too many requests. */
  get mayPass(): boolean {
    return this.code === "unreachable" || this.status >= 500 || this.status === 429;
  }
}

/** The connection was lost within an answer; another try may help. */
export function brokenOff(cause: unknown): ClientError {
  return cause instanceof ClientError ? cause : new ClientError("The answer broke off", { code: "unreachable", cause });
}

/** The error of an answer that is not 2xx. Reads its body. */
export async function errorOf(response: Pick<Answer, "status" | "headers" | "text">): Promise<ClientError> {
  const body = await response.text().catch(() => "");
  const envelope = asRecord(parse(body));
  const details = asRecord(envelope?.["details"])?.["errors"];
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ClientError(textOf(envelope?.["error"]) ?? textOf(envelope?.["message"]) ?? `The server answered ${response.status}`, {
    code: textOf(envelope?.["code"]) ?? (response.status === 404 ? "not_found" : "unexpected_answer"),
    status: response.status,
    details: Array.isArray(details) ? details.flatMap(detailOf) : [],
    requestId: response.headers.get("x-request-id"),
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
  });
}

function detailOf(value: unknown): ErrorDetail[] {
  const fault = asRecord(value);
  return fault === null
    ? []
    : [{ path: textOf(fault["path"]) ?? "", message: textOf(fault["message"]) ?? "", code: textOf(fault["code"]) ?? "" }];
}

export function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

export function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
