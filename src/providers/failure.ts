import { z } from "zod";
import { oneParagraph, type Failure } from "../model/failure.ts";
import type { ErrorCategory } from "../model/item.ts";

/** Codes of lines that were not the line's fault. */
const TRANSIENT_CODES = new Set(["batch_expired", "batch_cancelled", "server_error", "internal_error", "timeout", "request_timeout"]);

const fault = z.looseObject({
  code: z.union([z.string(), z.number()]).nullish(),
  message: z.string().nullish(),
  type: z.string().nullish(),
});
const envelope = z.looseObject({ error: fault });

/** How an answer that is an error ends its item: 408, 409, 425, 429 and 5xx may go better later, everything else is for good. */
export function failureOfStatus(status: number, body: unknown): Failure {
  const said = envelope.safeParse(body);
  const { code, message } = said.success ? said.data.error : { code: null, message: null };
  return {
    error: oneParagraph(message ?? `The provider answered with status ${status}`),
    code: cleanCode(code) ?? `http_${status}`,
    category: categoryOfStatus(status),
    retryAfterMs: null,
  };
}

/** How a line of an error file that has no answer, only an error, ends its item. */
export function failureOfLine(error: unknown): Failure {
  const said = fault.safeParse(error);
  const { code, message } = said.success ? said.data : { code: null, message: null };
  const name = cleanCode(code) ?? "provider_error";
  const category: ErrorCategory = TRANSIENT_CODES.has(name) ? "transient" : name.startsWith("rate_limit") ? "rate_limit" : "permanent";
  return { error: oneParagraph(message ?? `The provider gave no answer (${name})`), code: name, category, retryAfterMs: null };
}

function categoryOfStatus(status: number): ErrorCategory {
  if (status === 429) return "rate_limit";
  if (status === 408 || status === 409 || status === 425 || status >= 500) return "transient";
  return status === 401 || status === 403 ? "configuration" : "permanent";
}

function cleanCode(code: unknown): string | null {
  if (typeof code !== "string" && typeof code !== "number") return null;
  const clean = String(code)
    .slice(0, 64)
    .replace(/[^A-Za-z0-9_.:-]/g, "_");
  return clean === "" ? null : clean;
}
