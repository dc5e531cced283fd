import { z } from "zod";

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
