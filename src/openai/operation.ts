import { OperationError } from "../model/failure.ts";
import type { ErrorCategory } from "../model/item.ts";
import { newId } from "../model/ids.ts";
import { MODEL_ENDPOINTS, type ModelAnswer } from "../operations/model-requests.ts";
import { defineOperation } from "../operations/define.ts";
import type { Operation } from "../operations/operation.ts";
import type { LineAnswer, Models } from "./models.ts";

export const OPENAI_OPERATION = "openai";

/** What is kept of an answer: the `response` of its line in the output or error file. */
export type StoredAnswer = Pick<LineAnswer, "status_code" | "request_id" | "body">;

/** The operation that answers lines of OpenAI batch files, each with the model it names. Its items are the lines as they are. */
export function openAiOperation(models: () => Models): Operation {
  return defineOperation({
    name: OPENAI_OPERATION,
    description: "Answers requests in OpenAI's batch format {method, url, body}, each with the model that its body names",
    requests: {
      isOwn({ payload }, _options, tenant) {
        const name = modelOf(payload);
        const model = name === null ? null : models().find(tenant, name);
        return model === null || model.executor !== null;
      },
      requestOf({ payload }) {
        const { url, body } = requestOf(payload);
        const endpoint = MODEL_ENDPOINTS.find((each) => each === url);
        const model = modelOf(payload);
        if (endpoint !== undefined && model !== null) return { url: endpoint, body: { ...body, model } };
        throw new OperationError(`There is no model '${String(model)}' for ${url} on this server`, {
          code: "model_not_found",
          category: "data",
        });
      },
      resultOf: (answer) => ({ result: storedOf(answer) }),
      failureOf: storedOf,
    },
    async processItem(line: unknown, ctx) {
      const { url, body } = requestOf(line);
      const name = body["model"];
      const model = typeof name === "string" ? models().find(ctx.tenant, name) : null;
      const executor = model?.executor ?? null;
      if (model === null || executor === null || !model.endpoints.includes(url))
        throw new OperationError(`There is no model '${String(name)}' for ${url} on this server`, {
          code: "model_not_found",
          category: "configuration",
        });
      const { signal, tenant, key, attempt, batchId, idempotencyKey, traceparent } = ctx;
      const answer = await executor.answer({ url, body }, { signal, tenant, key, attempt, batchId, idempotencyKey, traceparent });
      const { status_code, request_id } = answer;
      const stored: StoredAnswer = { status_code, request_id, body: answer.body };
      if (status_code >= 200 && status_code < 300) return { result: stored };
      const failure = answer.failure ?? { code: `http_${status_code}`, category: categoryOf(status_code) };
      throw new OperationError(messageOf(answer), { ...failure, retryAfterMs: answer.retryAfterMs ?? undefined, result: stored });
    },
  });
}

/** What a provider answered, as a line of a result file shows it. */
function storedOf({ status, requestId, body }: ModelAnswer): StoredAnswer {
  return { status_code: status, request_id: requestId ?? newId("req"), body };
}

function modelOf(line: unknown): string | null {
  const { body } = (typeof line === "object" && line !== null ? line : {}) as { body?: unknown };
  const { model } = (typeof body === "object" && body !== null ? body : {}) as { model?: unknown };
  return typeof model === "string" ? model : null;
}

function requestOf(line: unknown): { url: string; body: Record<string, unknown> } {
  const { method, url, body } = (typeof line === "object" && line !== null ? line : {}) as Record<string, unknown>;
  if (method === "POST" && typeof url === "string" && typeof body === "object" && body !== null && !Array.isArray(body))
    return { url, body: body as Record<string, unknown> };
  throw new OperationError('The item is no request: {"method": "POST", "url": "/v1/…", "body": {…}}', {
    code: "invalid_request",
    category: "data",
  });
}

/** Of these statuses, a later try may end otherwise. */
function categoryOf(status: number): ErrorCategory {
  if (status === 429) return "rate_limit";
  if (status === 408 || status === 409 || status === 425 || status >= 500) return "transient";
  return status === 401 || status === 403 ? "configuration" : "permanent";
}

function messageOf({ status_code, body }: LineAnswer): string {
  const error = typeof body === "object" && body !== null && "error" in body ? body.error : null;
  const message = typeof error === "object" && error !== null && "message" in error ? error.message : error;
  return typeof message === "string" && message !== "" ? message : `The model answered with status ${status_code}`;
}
