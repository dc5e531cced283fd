import { streamDefinition, type StreamDefinition } from "./definition.ts";

/** The name of the stream that collects the single requests of a tenant. */
export const REQUESTS = "requests";

/** The operation that answers them; its items are `{method, url, body}`. */
const OPERATION = "openai";
/** Too few requests wait no longer than this. */
export const LONGEST_WAIT_SECONDS = 30 * 60;
/** Open requests of a tenant: each has its key in memory. */
const MAX_OPEN = 1_000_000;
/** A model may think for long; what takes longer than the clients themselves wait is lost. */
const ANSWER_TIMEOUT_MS = 600_000;

/** The settings that the windows of `requests` follow while they are open. */
export interface CollectingSettings {
  /** False: windows keep filling, and nothing of them is submitted. */
  readonly enabled: boolean;
  /** Cron expression, UTC. */
  readonly createInterval: string;
  readonly maxRequests: number;
  readonly minSize: number;
  readonly timeoutHours: number;
}

/** Fields of the definition that the settings decide, and the setting that does; the rest is what makes it this stream. */
export const COLLECTED_BY: Readonly<Record<string, string>> = {
  schedule: "BATCH_CREATE_INTERVAL",
  maxItems: "BATCH_MAX_REQUESTS",
  minItems: "BATCH_MIN_SIZE",
};

/** Single requests: a window a job type and model. More than maxRequests are never wanted, so minSize is at most that. */
export function requestsDefinition(settings: CollectingSettings, paused: boolean): StreamDefinition {
  return streamDefinition.parse({
    operation: OPERATION,
    options: { timeout: ANSWER_TIMEOUT_MS },
    schedule: settings.createInterval,
    maxItems: settings.maxRequests,
    minItems: Math.min(settings.minSize, settings.maxRequests),
    maxWaitSeconds: LONGEST_WAIT_SECONDS,
    maxOpen: MAX_OPEN,
    paused,
  });
}
