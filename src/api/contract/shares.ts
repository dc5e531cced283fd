import { z } from "zod";
import { time, whole, yes } from "../../model/fields.ts";

/** Read-only links to one batch. */

export const shareBody = z
  .strictObject({ expiresInHours: whole(1, 8_760).default(168).meta({ description: "A week without it; a year at most" }) })
  .prefault({});
export const sharedLink = z.strictObject({
  id: z.string(),
  hint: z.string().meta({ description: "First characters of the secret" }),
  createdAt: time,
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
});
export const shareAnswer = z.strictObject({
  success: yes,
  link: sharedLink,
  path: z.string().meta({ description: "Shown this once. The secret stands behind the #, which browsers never send" }),
});
export const sharesAnswer = z.strictObject({ success: yes, links: z.array(sharedLink) });
