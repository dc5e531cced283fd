import { z } from "zod";
import { yes } from "../../model/fields.ts";

/** Settings that can be changed while the server runs, by category. */

const value = z.union([z.number(), z.boolean(), z.string(), z.array(z.string())]);

export const settingsPatch = z.record(z.string(), z.unknown()).meta({
  description: "Any subset, nested: category → setting → value",
  example: { batch: { window_seconds: 120, idle_timeout_seconds: 45 } },
});

export const settingsAnswer = z
  .object({
    overridden_by_env: z
      .array(z.string())
      .meta({ description: "Set by the environment or a flag of the process: a PATCH of these is refused" }),
    connections: z.record(z.string(), z.string().nullable()).meta({ description: "Set from outside only; shown as ******** or null" }),
  })
  .catchall(z.record(z.string(), value));

export const describedSetting = z.strictObject({
  path: z.string().meta({ description: "category.field" }),
  category: z.string(),
  field: z.string(),
  variable: z.string().meta({ description: "Of the environment, which overrides it" }),
  kind: z.enum(["number", "boolean", "text", "list"]),
  description: z.string(),
  unit: z.string().nullable(),
  range: z.strictObject({ min: z.number(), max: z.number(), whole: z.boolean() }).nullable().meta({ description: "Of a number" }),
  allowed: z.string(),
  default: value,
  value,
  origin: z.enum(["default", "runtime", "env", "flag"]).meta({ description: "env and flag cannot be changed while the server runs" }),
});
export const settingsTableAnswer = z.strictObject({ success: yes, settings: z.array(describedSetting) });
export const settingsCheckAnswer = z.strictObject({
  success: yes,
  paths: z.array(z.string()).meta({ description: "What the body gives, all of it good" }),
});
