import { z } from "zod";
import { record, text } from "../../model/fields.ts";
import { createRequest, priority } from "./batch.ts";

const MOST_KEYS = 10_000;
const MOST_EDITS = 1_000;

export const replayBody = z
  .strictObject({
    items: z
      .union([z.enum(["all", "failed"]), z.array(text(1, 512)).min(1).max(MOST_KEYS)])
      .optional()
      .meta({ description: "all (default); failed: what has no success; or keys of items" }),
    edits: z
      .record(text(1, 512), z.union([record, text(2, 1_048_576)]))
      .refine((edits) => Object.keys(edits).length <= MOST_EDITS, { message: `takes at most ${MOST_EDITS} items` })
      .optional()
      .meta({ description: "Other payloads by key: an object, or a text that is the JSON of one and is kept as it is" }),
    operation: text(1, 100).optional().meta({ description: "Another operation; of the options it gets those that every batch takes" }),
    options: z.looseObject({}).optional().meta({ description: "Over those of the original; null takes one away" }),
    priority: priority.optional(),
    name: createRequest.shape.name,
    description: createRequest.shape.description,
    metadata: createRequest.shape.metadata,
    tags: createRequest.shape.tags,
  })
  .meta({ description: "Whatever is left out is as the original had it" });
export const replayQuery = z.strictObject({
  dryRun: z.boolean().optional().meta({ description: "What it would become and every fault, without creating anything" }),
});
