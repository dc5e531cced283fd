import { z } from "zod";
import { instant, text, time, whole, yes } from "../../model/fields.ts";

const outcome = z.enum(["SUCCESS", "FAILURE", "BLOCKED", "RATE_LIMITED", "SUSPICIOUS"]);

const filter = {
  action: text(1, 100).optional(),
  actor: text(1, 300).optional(),
  target: text(1, 1_000).optional(),
  outcome: outcome.optional(),
  from: instant().optional().meta({ description: "Inclusive" }),
  to: instant().optional().meta({ description: "Exclusive" }),
};
export const auditQuery = z.strictObject({ ...filter, limit: whole(1, 1_000).default(50), cursor: text(1, 300).optional() });
export const auditExportQuery = z.strictObject(filter);
export const auditVerifyQuery = z.strictObject({
  head: z
    .string()
    .regex(/^\d{1,15}:[0-9a-f]{64}$/, { error: "must be seq:hash as verify gave it" })
    .optional()
    .meta({ description: "A head that was noted down before, as seq:hash" }),
});
export const auditAcceptBody = z.strictObject({
  reason: text(1, 1_000).meta({ description: "Why the log is taken as it is; stands in the log" }),
});

export const auditEntry = z.strictObject({
  seq: z.int(),
  at: time,
  actor: z.string(),
  credential: z.string().nullable(),
  address: z.string().nullable(),
  action: z.string(),
  target: z.string(),
  before: z.unknown(),
  after: z.unknown(),
  outcome,
  hash: z.string(),
});
export const auditAnswer = z.strictObject({ success: yes, entries: z.array(auditEntry), nextCursor: z.string().nullable() });
export const auditVerifyAnswer = z.strictObject({
  success: yes,
  ok: z.boolean(),
  entries: z.int().meta({ description: "Of all tenants: they are one chain" }),
  head: z.string().nullable().meta({ description: "seq:hash; noted down elsewhere, it proves later that nothing before it was changed" }),
  found: z.int(),
  faults: z.array(
    z.strictObject({ seq: z.int(), kind: z.enum(["altered", "missing", "rewritten", "unanchored", "rolled_back"]), message: z.string() }),
  ),
});
