/** What is said about a text. */
export interface Annotation {
  /** The text's most telling sentence, at most 240 characters: taken from the text, not written. What a model says is its own. */
  description: string;
  /** At most 8 keywords, lower case, best first; see keywords.ts. */
  tags: string[];
  /** At most 50. `NAME` is a run of proper nouns; the other types are wink-nlp's (DATE, MONEY, EMAIL, URL, …). */
  entities: { type: string; value: string }[];
  /** -1..1, the mean over the sentences that carry a feeling; 0 when none does. Null for a text that is not read. */
  sentiment: number | null;
  /** positive from 0.05 on, negative from -0.05 down. */
  sentimentLabel: "positive" | "neutral" | "negative" | null;
  /** ISO 639-1, or `und` when the text is too short to tell. */
  language: string;
  wordCount: number;
  /** At 238 words a minute (Brysbaert 2019, silent reading of English). */
  readingTimeSeconds: number;
  /** What limits this annotation, one sentence each; absent when nothing does. */
  notes?: string[];
}

/**
 * How much an annotation can be relied on, 0..1:
 *   0.50 · language (1 = certainly English, 0.6 = probably, 0 = another)
 * + 0.35 · min(1, words ÷ 25)
 * + 0.15 · min(1, tags ÷ 3)
 * A text in another language gets at most 0.35.
 */
export function annotationQuality(certainty: 0 | 0.6 | 1, words: number, tags: number): number {
  const score = 0.5 * certainty + 0.35 * Math.min(1, words / 25) + 0.15 * Math.min(1, tags / 3);
  return Math.round(score * 1000) / 1000;
}

const WORDS_PER_MINUTE = 238;

/** Seconds. */
export function readingTime(words: number): number {
  return Math.ceil((words / WORDS_PER_MINUTE) * 60);
}

/** What a model is asked for; the rest is counted here. */
export const MODEL_SCHEMA: Record<string, unknown> = {
  type: "object",
  properties: {
    description: { type: "string", description: "One sentence" },
    tags: { type: "array", items: { type: "string" }, description: "At most 8 keywords, lower case, best first" },
    entities: {
      type: "array",
      items: {
        type: "object",
        properties: { type: { type: "string", description: "NAME, DATE, MONEY, EMAIL, URL, …" }, value: { type: "string" } },
        required: ["type", "value"],
        additionalProperties: false,
      },
    },
    sentiment: { type: ["number", "null"], description: "-1 to 1" },
    language: { type: "string", description: "ISO 639-1, or und" },
  },
  required: ["description", "tags", "entities", "sentiment", "language"],
  additionalProperties: false,
};

const NEUTRAL = 0.05;

export function sentimentLabel(sentiment: number): NonNullable<Annotation["sentimentLabel"]> {
  return sentiment >= NEUTRAL ? "positive" : sentiment <= -NEUTRAL ? "negative" : "neutral";
}

/** An answer that follows MODEL_SCHEMA, about this text. */
export function modelAnnotation(answer: unknown, text: string): Annotation {
  const said = answer as Pick<Annotation, "description" | "tags" | "entities" | "sentiment" | "language">;
  const words = text.match(/[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu)?.length ?? 0;
  return {
    ...said,
    sentimentLabel: said.sentiment === null ? null : sentimentLabel(said.sentiment),
    wordCount: words,
    readingTimeSeconds: readingTime(words),
  };
}
