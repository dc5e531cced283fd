import { z } from "zod";
import { record, text } from "./fields.ts";

/** What a single request may ask for; chat completions unless it says otherwise. */
const REQUEST_ENDPOINTS = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/moderations"] as const;

/** The kind of work of single requests: those of one kind and model share batches. */
export const jobType = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, {
  error: "must be 1 to 64 letters, digits, '_', '-' or '.', and start with a letter or digit",
});

/** One single request to a model, as it is sent in. */
export const singleRequest = z.strictObject({
  jobType,
  model: text(1, 200).meta({ description: "One of GET /v1/models" }),
  url: z.enum(REQUEST_ENDPOINTS).default("/v1/chat/completions"),
  body: record.optional().meta({ description: "The body of the request; `model` may be left out" }),
  prompt: text(1, 1_000_000).optional().meta({ description: "Instead of a body: one user message" }),
  custom_id: z
    .string()
    .regex(/^[^\p{Cc}]{1,512}$/u, { error: "must have 1 to 512 characters, none of them a control character" })
    .optional()
    .meta({ description: "Unique among the open requests of its job type" }),
  webhook: text(1, 2_000).optional().meta({ description: "URL that is told when the request has ended" }),
});
