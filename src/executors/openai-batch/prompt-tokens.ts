import { countTokens } from "../../money/tokens.ts";

/** What a provider adds to each message. */
const PER_MESSAGE = 4;
/** Fields whose texts a model reads. */
const PROMPT_FIELDS = ["messages", "input", "prompt", "instructions", "tools", "response_format", "text"];

/** Prompt tokens of a request, at least. */
export async function promptTokens(body: Record<string, unknown>): Promise<number> {
  const texts: string[] = [];
  for (const field of PROMPT_FIELDS) gather(body[field], texts);
  const messages = Array.isArray(body["messages"]) ? body["messages"].length : 0;
  return (await countTokens(texts.join("\n"))) + messages * PER_MESSAGE;
}

function gather(value: unknown, texts: string[]): void {
  if (typeof value === "string") texts.push(value);
  else if (Array.isArray(value)) for (const each of value) gather(each, texts);
  else if (typeof value === "object" && value !== null) for (const each of Object.values(value)) gather(each, texts);
}

/** Prompt tokens by length: for a budget nobody has set, where a rough figure is all that is shown. */
export function roughTokens(line: string): number {
  return Math.ceil(line.length / 4);
}

/** Inputs an embeddings request counts as. */
export function embeddingInputs(body: Record<string, unknown>): number {
  const { input } = body;
  return Array.isArray(input) && typeof input[0] !== "number" ? input.length : 1;
}
