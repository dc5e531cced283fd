import { z } from "zod";
import { text, time, whole, yes } from "../../model/fields.ts";
import { REQUEST_STATES } from "../../model/request-states.ts";
import { jobType, singleRequest } from "../../model/request-fields.ts";

/** Single requests to models, and the collector that makes batches of them. */

export { singleRequest };

export const requestParams = z.strictObject({ id: text(1, 100) });
export const requestQuery = z.strictObject({
  wait: whole(0, 60).default(0).meta({ description: "Seconds to wait for its end; the answer comes as soon as it is there" }),
});
export const requestsQuery = z.strictObject({
  jobType: jobType.optional(),
  status: z.enum(REQUEST_STATES).optional(),
  limit: whole(1, 1_000).default(100),
  cursor: text(1, 500).optional(),
});

const requestRow = z.strictObject({
  id: z.string(),
  custom_id: z.string().nullable(),
  jobType: z.string(),
  model: z.string(),
  status: z.enum(REQUEST_STATES),
  batch_id: z.string().nullable().meta({ description: "Null while it waits in its window" }),
  created_at: time,
  ended_at: time.nullable(),
});
const request = requestRow.extend({
  response: z
    .unknown()
    .meta({ description: "{status_code, request_id, body} of the model, good or bad; null before, and when there was no answer" }),
  error: z.strictObject({ code: z.string().nullable(), message: z.string().nullable() }).nullable(),
  cost: z.number().nullable().meta({ description: "US dollars; null when nothing is known of it" }),
});
export const requestAnswer = z.strictObject({ success: yes, request });
export const takenAnswer = z.union([
  z.strictObject({ success: yes, request: requestRow }),
  z.strictObject({
    success: yes,
    accepted: z.int(),
    rejected: z
      .array(z.strictObject({ index: z.int(), code: z.string(), message: z.string() }))
      .meta({ description: "At most the first 1,000" }),
    rejectedCount: z.int(),
    requests: z.array(requestRow).meta({ description: "At most the first 1,000" }),
  }),
]);
export const cancelledAnswer = z.strictObject({ success: yes, request: requestRow });
export const requestsAnswer = z.strictObject({ success: yes, requests: z.array(requestRow), nextCursor: z.string().nullable() });

export const collectorAnswer = z.strictObject({
  success: yes,
  collector: z.strictObject({
    status: z
      .enum(["collecting", "paused", "off"])
      .meta({ description: "off: BATCH_PROCESSING_ENABLED is false; requests are still taken" }),
    paused_since: time.nullable(),
    reason: z.string().nullable().meta({ description: "Why nothing is submitted; null when somebody paused it, or something is" }),
    waiting: z.int().meta({ description: "Requests in open windows" }),
    windows: z.array(
      z.strictObject({
        batch_id: z.string(),
        jobType: z.string(),
        model: z.string(),
        requests: z.int(),
        opened_at: time,
        due_at: time.nullable().meta({ description: "When it closes however few wait; the schedule may close it earlier" }),
      }),
    ),
    settings: z.strictObject({
      create_interval: z.string(),
      max_requests: z.int(),
      min_size: z.int(),
      max_wait_seconds: z.int(),
      timeout_hours: z.int(),
    }),
  }),
});
