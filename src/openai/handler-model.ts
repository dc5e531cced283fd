import type { Clock } from "../model/clock.ts";
import { newId } from "../model/ids.ts";
import type { Executors } from "../executors/registry.ts";
import type { Operation } from "../operations/operation.ts";
import { runItem } from "./item-run.ts";
import type { LineAnswer, LineContext, LineRequest, Model } from "./models.ts";
import { OpenAiError, wrongType } from "./error.ts";
import { countPromptTokens, countTokens } from "../money/tokens.ts";

const CHAT = "/v1/chat/completions";

export interface HandlerModelParts {
  id: string;
  operation: Operation;
  executors: Executors;
  clock: Clock;
  /** Unix milliseconds. */
  createdAt: number;
}

/**
 * An operation's handler as a chat model. The item is the last user message (an object when the message is the JSON of one, else the
 * text), the answer is its result (as it is when it is a text, else as JSON). Parameters of sampling have no effect; what asks for
 * something else than one text (`n` above 1, `tools`, a JSON schema, images) is refused with 400.
 */
export function handlerModel(parts: HandlerModelParts): Model {
  return {
    id: parts.id,
    created: Math.floor(parts.createdAt / 1000),
    ownedBy: "batchyard",
    endpoints: [CHAT],
    askedBy: [],
    executor: {
      async answer(line, context) {
        try {
          return await chat(parts, line, context);
        } catch (error) {
          if (!(error instanceof OpenAiError)) throw error;
          return { status_code: error.status, request_id: newId("req"), body: error.body };
        }
      },
    },
  };
}

async function chat(parts: HandlerModelParts, { body }: LineRequest, context: LineContext): Promise<LineAnswer> {
  const messages = messagesOf(body);
  refuse(body);
  const question = messages.findLast((message) => message.role === "user")?.text ?? "";
  if (question.trim() === "")
    throw new OpenAiError(400, "There is no user message with text.", { code: "invalid_value", param: "messages" });
  const outcome = await runItem(parts.executors, parts.operation, itemOf(question), context);
  const request_id = newId("req");
  if (!outcome.ok) {
    const bad = outcome.category === "data" || outcome.category === "permanent";
    const error = new OpenAiError(bad ? 400 : outcome.category === "rate_limit" ? 429 : 500, outcome.error, { code: outcome.code });
    const { code, category, retryAfterMs } = outcome;
    return { status_code: error.status, request_id, body: error.body, failure: { code, category }, retryAfterMs };
  }
  const content = typeof outcome.result === "string" ? outcome.result : JSON.stringify(outcome.result);
  const prompt = await countPromptTokens(messages);
  const completion = await countTokens(content);
  return {
    status_code: 200,
    request_id,
    body: {
      id: newId("chatcmpl").replace("_", "-"),
      object: "chat.completion",
      created: Math.floor(parts.clock.now() / 1000),
      model: parts.id,
      choices: [{ index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: "stop" }],
      usage: {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
      system_fingerprint: null,
    },
  };
}

function messagesOf(body: Record<string, unknown>): { role: string; text: string }[] {
  const { messages } = body;
  if (!Array.isArray(messages)) throw wrongType("messages", "an array of objects", messages);
  return messages.map((message: unknown, index) => {
    const param = `messages[${index}]`;
    if (typeof message !== "object" || message === null || Array.isArray(message)) throw wrongType(param, "an object", message);
    const { role, content } = message as Record<string, unknown>;
    if (typeof role !== "string") throw wrongType(`${param}.role`, "a string", role);
    return { role, text: textOf(content, `${param}.content`) };
  });
}

function textOf(content: unknown, param: string): string {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return "";
  if (!Array.isArray(content)) throw wrongType(param, "a string or an array of objects", content);
  return content
    .map((part: unknown, index) => {
      const { type, text } = (typeof part === "object" && part !== null ? part : {}) as Record<string, unknown>;
      if (type === "text" && typeof text === "string") return text;
      throw new OpenAiError(400, "This model reads text only.", { code: "unsupported_value", param: `${param}[${index}]` });
    })
    .join("\n");
}

function refuse(body: Record<string, unknown>): void {
  const unsupported = (param: string): OpenAiError =>
    new OpenAiError(400, `Unsupported parameter: '${param}' is not supported with this model.`, { code: "unsupported_parameter", param });
  if (body["n"] !== undefined && body["n"] !== null && body["n"] !== 1) throw unsupported("n");
  for (const name of ["tools", "functions"]) if (Array.isArray(body[name]) && body[name].length > 0) throw unsupported(name);
  const format = body["response_format"];
  if (typeof format === "object" && format !== null && "type" in format && format.type === "json_schema")
    throw unsupported("response_format");
}

function itemOf(question: string): unknown {
  if (!/^\s*\{/.test(question)) return question;
  try {
    return JSON.parse(question) as unknown;
  } catch {
    return question;
  }
}
