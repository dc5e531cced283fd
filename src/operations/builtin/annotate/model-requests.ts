import { z } from "zod";
import { OperationError } from "../../../model/failure.ts";
import { ONLINE, OPENAI_BATCH } from "../../../model/upstream.ts";
import type { Item } from "../../../model/item.ts";
import { faultOf } from "../../../formats/row.ts";
import { compileSchema, type Verdict } from "../../language/json-schema.ts";
import type { AskedFor, ModelAnswer, ModelRequest, ModelRequests } from "../../model-requests.ts";
import type { HandlerResult } from "../../operation.ts";
import { compilePrompt } from "../../language/prompt-template.ts";
import { modelAnnotation } from "./annotation.ts";
import { answerSchema, qualityOf, type AnnotateOptions } from "./options.ts";
import { textOf } from "./text.ts";

const INSTRUCTIONS =
  "You annotate texts for a catalogue. Answer with one JSON object that follows the given schema, about the text of the user and nothing else. " +
  "Take the description from what the text says; invent nothing.";
const CONFIDENCE = " Put the object under 'answer', and under 'confidence' how sure you are of it, from 0 to 1.";

/** Models that know the limit of their answer under its new name only. */
const NEWER = /^(ft:)?(o\d|gpt-([5-9]|\d\d)|codex|computer-use)/;

/** How a model is asked to annotate: a chat completion whose answer follows a JSON Schema. */
export const annotateRequests: ModelRequests<AnnotateOptions> = {
  asked({ provider }): AskedFor | null {
    if (provider === "local") return null;
    if (provider === OPENAI_BATCH) return { executor: OPENAI_BATCH, provider: null };
    return { executor: ONLINE, provider: provider === ONLINE ? null : provider };
  },

  requestOf(item, options): ModelRequest {
    const { model, temperature, maxTokens, provider } = options;
    if (model === undefined) throw new OperationError("No model is named", { code: "no_model", category: "data" });
    const fault = faultOf(item.payload);
    if (fault !== null) throw new OperationError(fault.message, { code: fault.code, category: "data" });
    const { confidence } = qualityOf(options);
    const body = {
      model,
      messages: [
        { role: "system", content: INSTRUCTIONS + (confidence ? CONFIDENCE : "") },
        { role: "user", content: questionOf(item, options) },
      ],
      response_format: {
        type: "json_schema",
        json_schema: {
          name: "annotation",
          schema: answerSchema(options),
          // Only of the schema here is it known that it keeps to what strict mode allows.
          strict: options.schema === undefined,
        },
      },
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { [NEWER.test(model) ? "max_completion_tokens" : "max_tokens"]: maxTokens }),
    };
    const named = provider === "local" || provider === ONLINE || provider === OPENAI_BATCH ? undefined : provider;
    return { url: "/v1/chat/completions", body, ...(named === undefined ? {} : { provider: named }) };
  },

  resultOf(answer, item, options, attempt = 0): HandlerResult {
    const said = checked(answerSchema(options), parsed(contentOf(answer), attempt, options), attempt, options);
    const { answer: answered, confidence } = qualityOf(options).confidence
      ? (said as { answer: unknown; confidence: number })
      : { answer: said, confidence: 1 };
    const result = options.schema === undefined ? modelAnnotation(answered, textOf(item.payload, options.fields).text) : answered;
    return { result, qualityScore: confidence };
  },
};

/** What the user asks: the prompt with the item's fields in it; one without places stands before the item's text. */
function questionOf({ payload }: Item, { prompt, fields }: AnnotateOptions): string {
  const template = prompt === undefined ? null : compilePrompt(prompt);
  if (template !== null && !template.isFixed) return template.render(payload);
  const { text } = textOf(payload, fields);
  return template === null ? text : `${prompt}\n\n${text}`;
}

const completion = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        finish_reason: z.string().nullish(),
        message: z.looseObject({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
});

function contentOf({ body }: ModelAnswer): string {
  const read = completion.safeParse(body);
  if (!read.success) throw new OperationError("The answer is no chat completion", { code: "bad_answer", category: "transient" });
  const { finish_reason, message } = read.data.choices[0]!;
  if (typeof message.refusal === "string")
    throw new OperationError(`The model refused: ${message.refusal}`, { code: "refused", category: "permanent" });
  if (finish_reason === "content_filter")
    throw new OperationError("The provider's content filter held the answer back", { code: "content_filter", category: "permanent" });
  if (finish_reason === "length")
    throw new OperationError("The answer was cut off at its limit; raise maxTokens", { code: "answer_cut", category: "data" });
  return message.content ?? "";
}

function parsed(content: string, attempt: number, options: AnnotateOptions): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch {
    throw mismatch("The answer is no JSON", content, 0, attempt, options);
  }
}

function checked(schema: Record<string, unknown>, value: unknown, attempt: number, options: AnnotateOptions): unknown {
  const verdict = compileSchema(schema, false).check(value);
  if (verdict.valid) return value;
  throw mismatch(`The answer does not follow the schema: ${sentenceOf(verdict)}`, value, verdict.qualityScore, attempt, options);
}

/** Models answer differently when asked again: a fault of the data, after as many tries as the options allow. */
function mismatch(message: string, result: unknown, qualityScore: number, attempt: number, options: AnnotateOptions): OperationError {
  const category = attempt < qualityOf(options).retries ? "transient" : "data";
  return new OperationError(message, { code: "schema_mismatch", category, result, qualityScore });
}

function sentenceOf({ errors }: Verdict): string {
  const shown = errors.slice(0, 3).map(({ path, message }) => (path === "" ? message : `${path} ${message}`));
  return shown.join("; ") + (errors.length > 3 ? `; and ${errors.length - 3} more` : "");
}
