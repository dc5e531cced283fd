import { z } from "zod";
import { text, whole } from "../../model/fields.ts";
import { OPENAI_STATES } from "../../model/openai-moves.ts";

/** What OpenAI's clients send and read. Times are Unix seconds. */

const seconds = z.int().meta({ description: "Unix seconds" });

export const errorAnswer = z.strictObject({
  error: z.strictObject({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string().nullable() }),
});

export const file = z.strictObject({
  id: z.string(),
  object: z.literal("file"),
  bytes: z.int(),
  created_at: seconds,
  expires_at: seconds.nullable(),
  filename: z.string(),
  purpose: z.string(),
  status: z.literal("processed"),
  status_details: z.null(),
});

const fault = z.strictObject({ code: z.string(), line: z.int().nullable(), message: z.string(), param: z.string().nullable() });

export const batch = z.strictObject({
  id: z.string(),
  object: z.literal("batch"),
  endpoint: z.string(),
  model: z.string().nullable(),
  errors: z.strictObject({ object: z.literal("list"), data: z.array(fault) }).nullable(),
  input_file_id: z.string(),
  completion_window: z.literal("24h"),
  status: z.enum(OPENAI_STATES),
  output_file_id: z.string().nullable(),
  error_file_id: z.string().nullable(),
  created_at: seconds,
  in_progress_at: seconds.nullable(),
  expires_at: seconds,
  finalizing_at: seconds.nullable(),
  completed_at: seconds.nullable(),
  failed_at: seconds.nullable(),
  expired_at: seconds.nullable(),
  cancelling_at: seconds.nullable(),
  cancelled_at: seconds.nullable(),
  request_counts: z.strictObject({ total: z.int(), completed: z.int(), failed: z.int() }),
  usage: z
    .strictObject({
      input_tokens: z.int(),
      input_tokens_details: z.strictObject({ cached_tokens: z.int() }),
      output_tokens: z.int(),
      output_tokens_details: z.strictObject({ reasoning_tokens: z.int() }),
      total_tokens: z.int(),
    })
    .nullable(),
  metadata: z.record(z.string(), z.string()).nullable(),
});

export const createBody = z.strictObject({
  input_file_id: z.string(),
  endpoint: z.string().meta({ description: "/v1/chat/completions, /v1/responses, /v1/embeddings, /v1/completions or /v1/moderations" }),
  completion_window: z.literal("24h"),
  metadata: z.record(z.string(), z.string()).nullable().optional().meta({ description: "At most 16 pairs" }),
  output_expires_after: z
    .strictObject({ anchor: z.literal("created_at"), seconds: z.int() })
    .nullable()
    .optional(),
});

const page = <T extends z.ZodType>(of: T) =>
  z.strictObject({
    object: z.literal("list"),
    data: z.array(of),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });

const after = text(1, 200).optional().meta({ description: "Id of the last object of the page before" });
export const batchesQuery = z.strictObject({ after, limit: z.number().optional().meta({ description: "1 to 100, 20 when absent" }) });
export const filesQuery = z.strictObject({
  after,
  limit: z.number().optional().meta({ description: "1 to 10,000, which it is when absent" }),
  order: z.string().optional().meta({ description: "asc or desc by time of creation; desc when absent" }),
  purpose: text(1, 100).optional(),
});
export const batchPage = page(batch);
export const filePage = page(file);
export const deletedFile = z.strictObject({ id: z.string(), object: z.literal("file"), deleted: z.literal(true) });
export const modelsAnswer = z.strictObject({
  object: z.literal("list"),
  data: z.array(z.strictObject({ id: z.string(), object: z.literal("model"), created: whole(0, 1e12), owned_by: z.string() })),
});
