import { z } from "zod";
import { BATCH_STATES } from "../model/moves.ts";

/** Fields that several events have, and examples of them. */

export const count = z.int().min(0);
export const id = z.string().min(1);
export const percent = z.int().min(0).max(100);
const status = z.enum(BATCH_STATES);
export const closeReason = z.enum(["timeout", "idle", "max_size", "max_bytes", "min_size", "schedule", "manual", "drain", "fast_path"]);

export const origin = {
  stream: id.optional().meta({ description: "The stream that made the batch" }),
  key: z.string().optional().meta({ description: "The key of its window" }),
};
export const byCategory = z.record(z.string(), z.number()).optional().meta({ description: "Items by the category of what failed" });
export const counts = {
  batch_id: id,
  operation: id,
  status,
  epoch: count.meta({ description: "Run of the batch; retrying a finished one starts the next" }),
  total: count,
  processed: count,
  succeeded: count,
  failed: count,
  cancelled: count,
  expired: count,
  ...origin,
};
export const exampleCounts = {
  batch_id: "batch_1767225600000_a1b2c3d4e",
  operation: "validate",
  status: "running",
  epoch: 1,
  total: 1000,
  processed: 250,
  succeeded: 248,
  failed: 2,
  cancelled: 0,
  expired: 0,
};
export const ended = { ...exampleCounts, status: "completed", processed: 1000, succeeded: 997, failed: 3 };

export const final = {
  progress: z.literal(100),
  duration_ms: count.meta({ description: "Milliseconds since it was started; since it was created when it never was" }),
  error: z.string().optional(),
};

export const worker = { worker: id.meta({ description: "Id of the worker" }), kind: z.enum(["local", "external"]) };
export const alert = {
  alert: id.meta({ description: "Id of the alert" }),
  rule: id,
  value: z.number(),
  threshold: z.number(),
  message: z.string(),
};
export const exampleAlert = {
  alert: "alert_1",
  rule: "error_rate",
  value: 12.5,
  threshold: 10,
  message: "12.5 % of the items failed in the last 5 minutes",
};
