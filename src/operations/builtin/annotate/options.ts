import { z } from "zod";
import { BatchyardError, type Fault } from "../../../model/errors.ts";
import { faultsOf } from "../../../model/schema-faults.ts";
import { ONLINE, OPENAI_BATCH } from "../../../model/upstream.ts";
import { compileSchema } from "../../language/json-schema.ts";
import { MODEL_SCHEMA } from "./annotation.ts";
import { compilePrompt } from "../../language/prompt-template.ts";

/** One shape for every provider, so that a request runs unchanged when the provider changes. */
export const annotateOptions = z.strictObject({
  provider: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,31}$/)
    .default("local")
    .describe(
      "local = English text analysis in this process, no network; openai = the first configured provider that serves the model; " +
        "openai-batch = the same through its batch API; else the name of a configured provider",
    ),
  fields: z
    .array(z.string().min(1))
    .min(1)
    .max(100)
    .optional()
    .describe("Top-level fields whose texts are annotated; all text fields but the key (nodeId, id, custom_id) when absent"),
  model: z.string().min(1).max(200).optional(),
  prompt: z
    .string()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      "What the model is told; {{field.path}} stands for a field of the item, {{.}} for all of it; without such a place the item's text follows",
    ),
  schema: z.record(z.string(), z.unknown()).optional().describe("JSON Schema of the answer; not with provider local"),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().min(1).optional(),
  quality: z
    .unknown()
    .optional()
    .describe("{ confidence: true } asks the model how sure it is; { retries: 0 … 3 } for answers that do not follow the schema (1)"),
});

export type AnnotateOptions = z.output<typeof annotateOptions>;

const quality = z.strictObject({
  confidence: z.boolean().default(false),
  retries: z.int().min(0).max(3).default(1),
});

/** `quality` of options that passed annotateFaults for a model. */
export function qualityOf(options: AnnotateOptions): z.output<typeof quality> {
  return quality.parse(options.quality ?? {});
}

/** What the model's whole answer follows. */
export function answerSchema(options: AnnotateOptions): Record<string, unknown> {
  const schema = options.schema ?? MODEL_SCHEMA;
  if (!qualityOf(options).confidence) return schema;
  const { $defs, ...answer } = schema;
  return {
    type: "object",
    properties: { answer, confidence: { type: "number", minimum: 0, maximum: 1 } },
    required: ["answer", "confidence"],
    additionalProperties: false,
    // References of the schema start at its root.
    ...($defs === undefined ? {} : { $defs }),
  };
}

const WITHOUT_EFFECT = ["model", "prompt", "temperature", "maxTokens", "quality"] as const;

export function annotateFaults(options: AnnotateOptions, executor?: string): Fault[] {
  if (asksModel(options, executor)) return modelFaults(options, executor);
  if (options.provider !== "local") {
    const message = `the provider '${options.provider}' is asked by the executor openai, not by '${executor}'; leave executor out`;
    return [{ path: "provider", message, code: "invalid_value" }];
  }
  if (options.schema !== undefined) {
    return [
      {
        path: "schema",
        message: "the provider 'local' answers in one fixed shape and cannot follow a schema; leave it out or use a model provider",
        code: "not_with_local",
      },
    ];
  }
  return [];
}

function modelFaults(options: AnnotateOptions, executor: string | undefined): Fault[] {
  const faults: Fault[] = [];
  if (options.model === undefined)
    faults.push({ path: "model", message: "is required: a provider is asked, name the model", code: "required" });
  const asked = quality.safeParse(options.quality ?? {});
  if (!asked.success)
    faults.push(
      ...faultsOf(asked.error, quality, options.quality).map((fault) => ({
        ...fault,
        path: `quality${fault.path === "" ? "" : `.${fault.path}`}`,
      })),
    );
  if (executor === OPENAI_BATCH && options.provider !== "local" && options.provider !== ONLINE && options.provider !== OPENAI_BATCH)
    faults.push({
      path: "provider",
      message: "cannot be named for openai-batch; the first provider with a batch API that serves the model is asked",
      code: "not_supported",
    });
  faults.push(...compiled("prompt", () => options.prompt !== undefined && compilePrompt(options.prompt)));
  if (asked.success) faults.push(...compiled("schema", () => compileSchema(answerSchema(options), false)));
  return faults;
}

function compiled(path: string, compile: () => unknown): Fault[] {
  try {
    compile();
    return [];
  } catch (error) {
    if (!(error instanceof BatchyardError)) throw error;
    return [{ path, message: error.message, code: error.code }];
  }
}

export function annotateWarnings(options: AnnotateOptions, executor?: string): string[] {
  if (asksModel(options, executor)) return [];
  return WITHOUT_EFFECT.filter((name) => options[name] !== undefined).map((name) => `${name} has no effect with provider local`);
}

/** The executor decides, and without one the provider does. */
function asksModel({ provider }: AnnotateOptions, executor: string | undefined): boolean {
  return executor === undefined ? provider !== "local" : executor === ONLINE || executor === OPENAI_BATCH;
}
