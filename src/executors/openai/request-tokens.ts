import { z } from "zod";
import type { ModelRequest } from "../../operations/model-requests.ts";

/** English text and JSON have about so many characters a token. */
const CHARS_A_TOKEN = 4;
const LENGTH_FIELDS = ["max_completion_tokens", "max_output_tokens", "max_tokens"] as const;
/** What is taken for the length of an answer that nothing limits, until it has come. */
const USUAL_ANSWER = 256;

/** Prompt tokens of a request, by its length: exact counts come with the answer. */
function promptTokens({ body }: ModelRequest): number {
  return Math.ceil(JSON.stringify(body).length / CHARS_A_TOKEN);
}

/** Most tokens that the answer can have; null when the request sets no limit. */
function answerLimit({ url, body }: ModelRequest): number | null {
  if (url === "/v1/embeddings") return 0;
  for (const field of LENGTH_FIELDS) if (typeof body[field] === "number") return body[field] * answers(body);
  return null;
}

/** Tokens a request will take of a rate limit, before it is answered. */
export function expectedTokens(request: ModelRequest): number {
  return promptTokens(request) + (answerLimit(request) ?? USUAL_ANSWER);
}

const usage = z.looseObject({ usage: z.looseObject({ total_tokens: z.number() }) });

/** Tokens an answer says it took; null when it does not say. */
export function usedTokens(body: unknown): number | null {
  const said = usage.safeParse(body);
  return said.success ? said.data.usage.total_tokens : null;
}

function answers(body: Record<string, unknown>): number {
  return typeof body["n"] === "number" ? body["n"] : 1;
}
