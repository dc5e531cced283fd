import type { Tokenizer } from "./tokenizer.ts";

/** What a request body sends to the model, in tokens. */
export interface PromptSize {
  tokens: number;
  /** Inputs of an embedding request; 0 for others. */
  inputs: number;
  /** Parts that were guessed, one sentence each. */
  notes: string[];
}

/** A message has its role and two marks around it besides its content; the answer is primed with three. */
const PER_MESSAGE = 3;
const PER_NAME = 1;
const PRIMING = 3;
/** An image in low detail, and in high detail as a rule of thumb for one of a megapixel: what is charged depends on its size, which is not in the request. */
const LOW_IMAGE = 85;
const HIGH_IMAGE = 1105;

type Body = Record<string, unknown>;

/** Prompt tokens of the body of a chat completion, response, completion or embedding request. */
export function promptSize(body: Body, tokenizer: Tokenizer): PromptSize {
  const size: PromptSize = { tokens: 0, inputs: 0, notes: [] };
  if (Array.isArray(body["messages"])) size.tokens += messages(body["messages"], tokenizer, size.notes);
  else if (body["input"] !== undefined && !isConversation(body)) embeddingInput(body["input"], tokenizer, size);
  else if (body["input"] !== undefined || body["instructions"] !== undefined) {
    const { input } = body;
    const turns = Array.isArray(input) ? input : [{ role: "user", content: input }];
    const instructions = typeof body["instructions"] === "string" ? [{ role: "developer", content: body["instructions"] }] : [];
    size.tokens += messages([...instructions, ...turns], tokenizer, size.notes);
    if (body["previous_response_id"] !== undefined) size.notes.push("The responses before this one are not counted");
  } else if (body["prompt"] !== undefined) size.tokens += prompts(body["prompt"], tokenizer);
  // Tools and schemas are given to the model as text in a form of its own, of about the length of their JSON.
  for (const part of ["tools", "functions", "response_format", "text"]) {
    if (typeof body[part] === "object" && body[part] !== null) size.tokens += tokenizer.count(JSON.stringify(body[part]));
  }
  return size;
}

/** Both have `input`. A response has turns, which are objects, or says what only responses say; a text alone is taken for an embedding unless its model is none. */
function isConversation(body: Body): boolean {
  const { input, model } = body;
  if (Array.isArray(input) && isRecord(input[0])) return true;
  const said = ["instructions", "max_output_tokens", "previous_response_id", "tools", "reasoning", "text"].some(
    (name) => body[name] !== undefined,
  );
  return said || (typeof input === "string" && typeof model === "string" && !model.includes("embed"));
}

function messages(list: readonly unknown[], tokenizer: Tokenizer, notes: string[]): number {
  let tokens = PRIMING;
  for (const message of list) {
    if (!isRecord(message)) continue;
    tokens += PER_MESSAGE;
    for (const [name, value] of Object.entries(message)) {
      if (name === "content") tokens += content(value, tokenizer, notes);
      else if (typeof value === "string") tokens += tokenizer.count(value) + (name === "name" ? PER_NAME : 0);
      else if (typeof value === "object" && value !== null) tokens += tokenizer.count(JSON.stringify(value));
    }
  }
  return tokens;
}

function content(value: unknown, tokenizer: Tokenizer, notes: string[]): number {
  if (typeof value === "string") return tokenizer.count(value);
  if (!Array.isArray(value)) return 0;
  let tokens = 0;
  for (const part of value) {
    if (!isRecord(part)) continue;
    const { type, text, refusal } = part;
    if (typeof text === "string") tokens += tokenizer.count(text);
    else if (typeof refusal === "string") tokens += tokenizer.count(refusal);
    else if (type === "image_url" || type === "input_image") {
      tokens += detailOf(part) === "low" ? LOW_IMAGE : HIGH_IMAGE;
      notes.push("Images are counted as of one megapixel");
    } else notes.push(`A part of type ${String(type)} is not counted`);
  }
  return tokens;
}

function detailOf(part: Record<string, unknown>): unknown {
  return isRecord(part["image_url"]) ? part["image_url"]["detail"] : part["detail"];
}

/** A text, a list of texts, a list of tokens, or a list of such lists. */
function prompts(prompt: unknown, tokenizer: Tokenizer): number {
  if (typeof prompt === "string") return tokenizer.count(prompt);
  if (typeof prompt === "number") return 1;
  return Array.isArray(prompt) ? prompt.reduce((sum: number, part) => sum + prompts(part, tokenizer), 0) : 0;
}

function embeddingInput(input: unknown, tokenizer: Tokenizer, size: PromptSize): void {
  size.tokens += prompts(input, tokenizer);
  size.inputs = embeddingInputs(input);
}

/** Inputs that an embeddings request counts as. */
export function embeddingInputs(input: unknown): number {
  return Array.isArray(input) && typeof input[0] !== "number" ? input.length : 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
