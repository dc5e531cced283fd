import { z } from "zod";
import { instant, text, time, yes } from "../../model/fields.ts";

/** Keys, the envelope of errors, and the doors everybody may knock on. */

export const role = z.enum(["viewer", "operator", "admin"]);

export const apiKey = z.strictObject({
  id: z.string(),
  name: z.string(),
  role,
  hint: z.string().meta({ description: "First characters of the secret" }),
  createdAt: time,
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable().meta({ description: "By the key or a session of it, to the minute; null = never" }),
});
export const keysAnswer = z.strictObject({ success: yes, keys: z.array(apiKey) });
export const newKeyBody = z.strictObject({ name: text(1, 100), role: role.default("operator"), expiresAt: instant().optional() });
export const newKeyAnswer = z.strictObject({
  success: yes,
  key: apiKey,
  secret: z.string().meta({ description: "Shown this once; only its hash is kept" }),
});
export const signInLinkAnswer = z.strictObject({ success: yes, path: z.string(), expiresAt: time });
export const doneAnswer = z.strictObject({ success: yes });
/** How the server wants its pages to ask: the settings of the group dashboard. */
const pace = z.strictObject({
  refreshSeconds: z.number(),
  alertsSeconds: z.number(),
  detailSeconds: z.number(),
  maxRetries: z.number(),
  retryDelayMs: z.number(),
});
export const meAnswer = z.strictObject({
  success: yes,
  tenant: z.string(),
  role,
  actor: z.string(),
  dashboard: pace.meta({ description: "How often an open page asks, and how often again what failed" }),
});

export const fault = z.strictObject({ path: z.string(), message: z.string(), code: z.string() });
export const envelope = z.strictObject({
  success: z.literal(false),
  error: z.string(),
  code: z.string(),
  details: z.strictObject({ errors: z.array(fault) }).optional(),
  requestId: z.string(),
});

export const healthAnswer = z.strictObject({ status: z.literal("ok") });
export const readyAnswer = z.strictObject({
  status: z.enum(["ready", "not_ready"]),
  checks: z.record(z.string(), z.strictObject({ ok: z.boolean() })),
});
