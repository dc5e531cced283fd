import { z } from "zod";
import type { Fault } from "../../model/errors.ts";

/** One shape for every provider, so that a request runs unchanged when the provider changes. */
export const annotateOptions = z.strictObject({
  provider: z
    .enum(["local", "openai", "openai-batch"])
    .default("local")
    .describe("local = English text analysis in this process, no network"),
  fields: z
    .array(z.string().min(1))
    .min(1)
    .max(100)
    .optional()
    .describe("Top-level fields whose texts are annotated; all text fields but the key (nodeId, id, custom_id) when absent"),
  model: z.string().min(1).optional(),
  prompt: z.string().min(1).optional(),
  schema: z.record(z.string(), z.unknown()).optional().describe("JSON Schema of the answer; not with provider local"),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().min(1).optional(),
  quality: z.unknown().optional(),
});

export type AnnotateOptions = z.output<typeof annotateOptions>;

const WITHOUT_EFFECT = ["model", "prompt", "temperature", "maxTokens", "quality"] as const;

export function annotateFaults(options: AnnotateOptions): Fault[] {
  if (options.provider !== "local") {
    return [
      {
        path: "provider",
        message: `the provider '${options.provider}' is not configured on this server; use 'local'`,
        code: "provider_not_configured",
      },
    ];
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

export function annotateWarnings(options: AnnotateOptions): string[] {
  if (options.provider !== "local") return [];
  return WITHOUT_EFFECT.filter((name) => options[name] !== undefined).map((name) => `${name} has no effect with provider local`);
}
