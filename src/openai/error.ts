import type { BatchyardError, ErrorCode } from "../model/errors.ts";

export type OpenAiErrorType = "invalid_request_error" | "requests" | "server_error";

/** An error as OpenAI's clients read it: `{error: {message, type, param, code}}`, all four always there. */
export class OpenAiError extends Error {
  override readonly name = "OpenAiError";
  readonly status: number;
  readonly type: OpenAiErrorType;
  readonly code: string | null;
  readonly param: string | null;
  /** Seconds to wait before the next try; null = the client decides. */
  readonly retryAfterSeconds: number | null;
  /** May the same request succeed later? Null = as its status says. */
  readonly shouldRetry: boolean | null;

  constructor(
    status: number,
    message: string,
    details: {
      code?: string | null;
      param?: string | null;
      retryAfterSeconds?: number | null;
      shouldRetry?: boolean | null;
      cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = status;
    this.type = status >= 500 ? "server_error" : status === 429 ? "requests" : "invalid_request_error";
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
    this.shouldRetry = details.shouldRetry ?? null;
  }

  get body(): { error: { message: string; type: OpenAiErrorType; param: string | null; code: string | null } } {
    const { message, type, param, code } = this;
    return { error: { message, type, param, code } };
  }
}

export function missing(param: string): OpenAiError {
  return new OpenAiError(400, `Missing required parameter: '${param}'.`, { code: "missing_required_parameter", param });
}

export function wrongValue(param: string, value: string, supported: readonly string[]): OpenAiError {
  const list = supported.map((each) => `'${each}'`).join(", ");
  const cure = supported.length === 1 ? `Value must be ${list}.` : `Supported values are: ${list}.`;
  return new OpenAiError(400, `Invalid value: '${value.slice(0, 100)}'. ${cure}`, { code: "invalid_value", param });
}

export function wrongType(param: string, expected: string, found: unknown): OpenAiError {
  return new OpenAiError(400, `Invalid type for '${param}': expected ${expected}, but got ${kindOf(found)} instead.`, {
    code: "invalid_type",
    param,
  });
}

export function unknownParameter(param: string): OpenAiError {
  return new OpenAiError(400, `Unknown parameter: '${param}'.`, { code: "unknown_parameter", param });
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal number";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** What OpenAI's clients know our errors as; every other code keeps its own name. */
const CODES: Partial<Record<ErrorCode, string | null>> = {
  unauthorized: "invalid_api_key",
  invalid_key: "invalid_api_key",
  forbidden: "insufficient_permissions",
  not_found: "unknown_url",
  method_not_allowed: "method_not_supported",
  batch_not_found: null,
  batch_removed: null,
  file_not_found: null,
  bad_json: "invalid_json",
  rate_limited: "rate_limit_exceeded",
  internal: "internal_error",
};

const FAULTS: Record<string, string> = {
  required: "missing_required_parameter",
  unknown_field: "unknown_parameter",
  out_of_range: "invalid_value",
};

/** Retrying helps against these although their status says 409. */
const PASSES: readonly ErrorCode[] = ["idempotency_in_progress"];

export function toOpenAiError(error: BatchyardError): OpenAiError {
  const fault = error.errors?.[0];
  const known = CODES[error.code];
  return new OpenAiError(error.status, error.message, {
    code: fault !== undefined ? (FAULTS[fault.code] ?? fault.code) : known === undefined ? error.code : known,
    param: fault === undefined || fault.path === "" ? null : fault.path,
    retryAfterSeconds: error.retryAfterSeconds ?? null,
    shouldRetry: PASSES.includes(error.code) ? true : null,
    cause: error,
  });
}
