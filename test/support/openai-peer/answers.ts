import { createHash } from "node:crypto";
import type { OpenAI } from "openai";
import { randomText } from "../../../src/model/ids.ts";

export const ENDPOINTS = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions"] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** Tokens of one executed request: `cached` are some of the input, `reasoning` some of the output. */
export interface Usage {
  input: number;
  cached: number;
  output: number;
  reasoning: number;
}

/** One request, online or a line of a batch. */
export interface Question {
  endpoint: Endpoint;
  body: Record<string, unknown>;
  /** Null online. */
  customId: string | null;
  /** What the user said last, as text. */
  text: string;
}

/** What is not given is taken from the request: the text echoes it, the tokens follow from its length. An `error` is not billed. */
export interface Answer {
  text?: string;
  usage?: Partial<Usage>;
  error?: { status: number; code: string | null; message: string };
}

/** Deterministic: the same question gets the same answer. */
export type Answerer = (question: Question) => Answer;

export interface Executed {
  status: number;
  body: unknown;
  /** Null = not executed, nothing to pay. */
  usage: Usage | null;
}

/** A token for every four bytes. */
const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4);

export function questionOf(endpoint: Endpoint, body: Record<string, unknown>, customId: string | null): Question {
  return { endpoint, body, customId, text: inputs(endpoint, body).at(-1) ?? "" };
}

/** What the request will take in, without running it: texts by length, and three tokens for each message. */
export function inputTokens({ endpoint, body }: Question): number {
  const each = endpoint === "/v1/chat/completions" || endpoint === "/v1/responses" ? 3 : 0;
  return inputs(endpoint, body).reduce((sum, text) => sum + tokensOf(text) + each, 0);
}

/** An error body, as it is sent online and stands in the lines of an error file. */
export function errorBody(status: number, code: string | null, message: string, param: string | null = null): unknown {
  const type = status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  return { error: { message, type, param, code } };
}

export function execute(question: Question, answerer: Answerer, createdAt: number): Executed {
  const missing = faultOf(question);
  if (missing !== null)
    return { status: 400, body: errorBody(400, "missing_required_parameter", missing.message, missing.param), usage: null };
  const { text = echo(question), usage: given, error } = answerer(question);
  if (error !== undefined) return { status: error.status, body: errorBody(error.status, error.code, error.message), usage: null };
  const usage = { ...usageOf(question, text), ...given };
  return { status: 200, body: bodyOf(question, text, usage, createdAt), usage };
}

function faultOf({ endpoint, body }: Question): { message: string; param: string } | null {
  const needed = endpoint === "/v1/chat/completions" ? "messages" : endpoint === "/v1/completions" ? "prompt" : "input";
  const param = ["model", needed].find((name) => body[name] === undefined);
  return param === undefined ? null : { param, message: `Missing required parameter: '${param}'.` };
}

function echo({ body, text, customId }: Question): string {
  const format = body["response_format"] as { type?: string } | undefined;
  if (format?.type?.startsWith("json") === true) return JSON.stringify({ echo: text, custom_id: customId });
  return customId === null ? text : `${text} [${customId}]`;
}

/** Prompts of 1024 tokens and more are half cached, in steps of 128; models that reason do so for 64 tokens. */
function usageOf(question: Question, text: string): Usage {
  const input = inputTokens(question);
  const cached = input >= 1024 ? Math.floor(input / 256) * 128 : 0;
  if (question.endpoint === "/v1/embeddings") return { input, cached: 0, output: 0, reasoning: 0 };
  const reasoning = /^(o\d|gpt-[5-9])/.test(String(question.body["model"])) ? 64 : 0;
  return { input, cached, output: tokensOf(text) + reasoning, reasoning };
}

function inputs(endpoint: Endpoint, body: Record<string, unknown>): string[] {
  const given = endpoint === "/v1/chat/completions" ? body["messages"] : endpoint === "/v1/completions" ? body["prompt"] : body["input"];
  return (Array.isArray(given) ? given : [given]).map(textOf);
}

/** The text of a prompt, a message, or a message in parts. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(textOf).join("");
  if (typeof value !== "object" || value === null) return "";
  const { content, text } = value as { content?: unknown; text?: unknown };
  return textOf(content ?? text);
}

function bodyOf(question: Question, text: string, usage: Usage, created: number): unknown {
  const model = String(question.body["model"]);
  const input = usage.input;
  const total = input + usage.output;
  switch (question.endpoint) {
    case "/v1/chat/completions":
      return {
        id: `chatcmpl-${randomText(29)}`,
        object: "chat.completion",
        created,
        model,
        choices: [{ index: 0, message: { role: "assistant", content: text, refusal: null }, logprobs: null, finish_reason: "stop" }],
        usage: completionUsage(usage),
        service_tier: "default",
        system_fingerprint: "fp_peer",
      } satisfies OpenAI.ChatCompletion;
    case "/v1/completions":
      return {
        id: `cmpl-${randomText(29)}`,
        object: "text_completion",
        created,
        model,
        choices: [{ index: 0, text, logprobs: null, finish_reason: "stop" }],
        usage: completionUsage(usage),
      } satisfies OpenAI.Completion;
    case "/v1/embeddings":
      return {
        object: "list",
        model,
        data: inputs(question.endpoint, question.body).map((each, index) => ({
          object: "embedding" as const,
          index,
          embedding: embedding(each, question.body),
        })),
        usage: { prompt_tokens: input, total_tokens: total },
      };
    case "/v1/responses":
      return {
        ...RESPONSE,
        id: `resp_${randomText(48)}`,
        created_at: created,
        completed_at: created,
        model,
        output: [
          {
            id: `msg_${randomText(48)}`,
            type: "message",
            status: "completed",
            role: "assistant",
            content: [{ type: "output_text", text, annotations: [] }],
          },
        ],
        usage: {
          input_tokens: input,
          input_tokens_details: { cached_tokens: usage.cached, cache_write_tokens: 0 },
          output_tokens: usage.output,
          output_tokens_details: { reasoning_tokens: usage.reasoning },
          total_tokens: total,
        },
      } satisfies Omit<OpenAI.Responses.Response, "output_text">;
  }
}

const RESPONSE = {
  object: "response",
  status: "completed",
  access_programs: null,
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  service_tier: "default",
  temperature: 1,
  tool_choice: "auto",
  tools: [],
  top_p: 1,
  truncation: "disabled",
} satisfies Partial<OpenAI.Responses.Response>;

function completionUsage({ input, cached, output, reasoning }: Usage): OpenAI.CompletionUsage {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** Numbers of -1 … 1 from a hash of the text; 8 unless `dimensions` says otherwise. Official clients ask for base64. */
function embedding(text: string, body: Record<string, unknown>): number[] | string {
  const hash = createHash("sha256").update(text).digest();
  const length = typeof body["dimensions"] === "number" ? body["dimensions"] : 8;
  const numbers = Float32Array.from({ length }, (_, index) => hash[index % hash.length]! / 127.5 - 1);
  return body["encoding_format"] === "base64" ? Buffer.from(numbers.buffer).toString("base64") : [...numbers];
}
