import { z } from "zod";
import { isCleanKey, KEY_RULE } from "../../intake/item-key.ts";
import { collectionName, instant, record, text, time, whole, yes } from "../../model/fields.ts";

/** Files and collections. */

export const file = z.strictObject({
  id: z.string(),
  name: z.string(),
  contentType: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  purpose: z.string().nullable(),
  createdAt: time,
  expiresAt: time.nullable(),
});
export const fileAnswer = z.strictObject({ success: yes, file });
export const fileQuery = z.strictObject({ filename: text(1, 1_000).optional(), purpose: text(1, 100).optional() });
export const filesQuery = z.strictObject({ limit: whole(1, 100).default(50), cursor: text(1, 500).optional() });
export const filesAnswer = z.strictObject({ success: yes, files: z.array(file), nextCursor: z.string().nullable() });
export const deletedAnswer = z.strictObject({ success: yes, deleted: yes });

export const recordParams = z.strictObject({
  name: collectionName,
  key: text(1, 512).refine(isCleanKey, { error: KEY_RULE, params: { code: "bad_id" } }),
});
export const collectionParams = z.strictObject({ name: collectionName });
/** What PUT takes, by reference: a schema of named values would lose a property that is called __proto__. */
export const recordData = z
  .custom<Record<string, unknown>>((value) => typeof value === "object" && value !== null && !Array.isArray(value), {
    error: "must be an object",
    params: { code: "invalid_type" },
  })
  .meta({ type: "object", description: "The record, any JSON object" });
export const storedRecord = z.strictObject({ key: z.string(), data: record, createdAt: time, updatedAt: time });
export const recordAnswer = z.strictObject({ success: yes, record: storedRecord });
export const putRecordAnswer = z.strictObject({ success: yes, action: z.enum(["inserted", "updated"]), record: storedRecord });
export const collectionsAnswer = z.strictObject({
  success: yes,
  collections: z.array(z.strictObject({ name: z.string(), records: z.int() })),
});
export const recordsQuery = z.strictObject({
  filters: text(2, 8_192).optional().meta({
    description: 'A JSON object as in a batch: equality on top-level fields, {"category":"toys"}, createdAfter, createdBefore, tags',
  }),
  tags: text(1, 1_000).optional().meta({ description: "Separated by commas; records that have each of them" }),
  createdAfter: instant().optional(),
  createdBefore: instant().optional(),
  limit: whole(1, 1_000).default(100),
  cursor: text(1, 2_000).optional(),
});
export const recordsAnswer = z.strictObject({ success: yes, records: z.array(storedRecord), nextCursor: z.string().nullable() });
