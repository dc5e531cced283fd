type CountTokens = (text: string, options: { disallowedSpecial: Set<string> }) => number;

/** The names of special tokens are text here, whatever a text says. */
const PLAIN = { disallowedSpecial: new Set<string>() };

let tokenizer: Promise<{ countTokens: CountTokens }> | undefined;

/** Tokens of a text by o200k_base. The first call loads the vocabulary (0.2 s, 70 MB). */
export async function countTokens(text: string): Promise<number> {
  tokenizer ??= import("gpt-tokenizer/encoding/o200k_base");
  return (await tokenizer).countTokens(text, PLAIN);
}

/** Tokens of a chat prompt as OpenAI counts them: three a message, and three that open the answer. */
export async function countPromptTokens(messages: readonly { role: string; text: string }[]): Promise<number> {
  let tokens = 3;
  for (const { role, text } of messages) tokens += 3 + (await countTokens(role)) + (await countTokens(text));
  return tokens;
}
