import type { FeedEvent } from "../client/index.ts";

/** Something that happened, as the event log and the event stream tell it. */
export type Told = Pick<FeedEvent, "type" | "data" | "timestamp">;

export interface Happening extends Told {
  /** Grows by one; the key of its row. */
  readonly serial: number;
  /** How often it happened in a row. */
  readonly times: number;
}

/** Types that are listed; `noun.*` would take the progress of batches as well. */
export const LISTED_TYPES: readonly string[] = [
  "batch.created",
  "batch.started",
  "batch.paused",
  "batch.resumed",
  "batch.completed",
  "batch.failed",
  "batch.cancelled",
  "batch.expired",
  "window.*",
  "chunk.*",
  "worker.started",
  "worker.stopped",
  "worker.lost",
  "alert.*",
  "settings.changed",
  "stream.paused",
  "upstream.doubled",
  "audit.recorded",
];

const KEPT = 200;

/** With one more, newest first. Chunks of a batch come in hundreds: those in a row are one line that says how many. */
export function withTold(happenings: readonly Happening[], { type, data, timestamp }: Told): readonly Happening[] {
  const [latest, ...rest] = happenings;
  const again = latest !== undefined && type.startsWith("chunk.") && latest.type === type && latest.data["batch_id"] === data["batch_id"];
  const serial = (latest?.serial ?? 0) + (again ? 0 : 1);
  const happening = { type, data, timestamp, serial, times: again ? latest.times + 1 : 1 };
  return [happening, ...(again ? rest : happenings)].slice(0, KEPT);
}

/** Of a page of the log, which is ascending. */
export function happeningsOf(page: readonly Told[]): readonly Happening[] {
  return page.reduce(withTold, []);
}
