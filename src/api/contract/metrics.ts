import { z } from "zod";

export const metricsQuery = z.strictObject({
  detail: z.enum(["full", "low"]).default("full").meta({ description: "low: one series for all operations, streams and models together" }),
});
