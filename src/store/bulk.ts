import type { NarrowFilter } from "./batches.ts";
import type { BatchStanding } from "../model/batch.ts";
import type { BatchStatus } from "../model/moves.ts";
import type { EventDraft } from "../model/event.ts";
import type { AuditEntry } from "./log.ts";

/** Acts on many batches. Part of the port; see port.ts for its general rules. */

/**
 * `finish`: what is open fails, what is done stays. `dead_letter`: what failed and waits to be tried again fails for good, the rest goes
 * on. Either way those items are dead letters of their operation as soon as the batch has ended.
 */
export const BULK_ACTIONS = ["retry", "cancel", "priority", "pause", "resume", "finish", "dead_letter"] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];
export const BULK_STATUSES = ["running", "completed", "cancelled"] as const;
export type BulkStatus = (typeof BULK_STATUSES)[number];

/** Which batches: those sealed and created in [from, to) that everything given applies to. */
export interface BulkFilter extends NarrowFilter {
  statuses: readonly BatchStatus[];
  from: number;
  /** Exclusive. */
  to: number;
  operation?: string | undefined;
  /** Only these, and all but these. */
  ids?: readonly string[] | undefined;
  except?: readonly string[] | undefined;
  /** A failure of this group, or with this code, stands in the batch. */
  fingerprint?: string | undefined;
  code?: string | undefined;
}

/** A position in the order newest first (created_at, id). */
export interface BulkPlace {
  createdAt: number;
  id: string;
}

export interface BulkJob {
  id: string;
  tenant: string;
  action: BulkAction;
  /** Rank, of the action `priority`. */
  priority: number | null;
  /** Why, of `finish` and `dead_letter`. */
  reason: string | null;
  filter: BulkFilter;
  /** Batches a second. */
  rate: number;
  /** Batches that matched when it was started; more when more turn up before it has passed them. */
  total: number;
  done: number;
  failed: number;
  skipped: number;
  status: BulkStatus;
  createdAt: number;
  /** Nothing is done before. */
  startsAt: number;
  endedAt: number | null;
  /** The last batch it has dealt with; null = none. */
  after: BulkPlace | null;
  /** What the last failed batch said. */
  error: string | null;
  /** On whose behalf it acts. */
  actor: string;
  credential: string | null;
  address: string | null;
}

export type BulkProgress = Pick<BulkJob, "total" | "done" | "failed" | "skipped" | "after" | "error">;

/** The next batches of a running job, and what is to be written about them. */
export interface BulkSlice {
  job: BulkJob;
  /** In the order of the walk, behind `job.after`. */
  batches: readonly BulkPlace[];
  /** No further batch is begun after so many milliseconds; the first one is in any case. */
  withinMs: number;
  now: number;
  /** What items are failed with by `finish` and `dead_letter`; null = by another act. */
  failure: { error: string; code: string } | null;
  /** The audit entry of a batch that was acted on. */
  entry(before: BatchStanding, after: BatchStanding): AuditEntry;
  /** Null = nobody is told of this progress. */
  event(progress: BulkProgress): EventDraft | null;
}

export interface BulkActed {
  /** `after` is the last batch it came to. */
  progress: BulkProgress;
  /** As they stand now. Those whose state the act does not apply to, or not any more, are not among them: they count as skipped. */
  acted: BatchStanding[];
}

export interface BulkStore {
  /** Exactly those that match now; reads rows only where sums do not say it, some at a time. */
  count(tenant: string, filter: BulkFilter): Promise<number>;
  /**
   * The next batches that match, newest first, after a place. Looks at no more than `looks` batches of each status, so that it takes
   * a bounded time; `after` = how far it looked, null = there are no more.
   */
  targets(
    tenant: string,
    filter: BulkFilter,
    after: BulkPlace | null,
    looks: number,
  ): Promise<{ batches: BulkPlace[]; after: BulkPlace | null }>;
  /** Ended jobs of the tenant beyond the newest 1000 go. */
  add(job: BulkJob): Promise<void>;
  get(tenant: string, id: string): Promise<BulkJob | null>;
  /** Newest first. */
  list(tenant: string, limit: number): Promise<BulkJob[]>;
  /** Of all tenants, oldest first. */
  running(): Promise<BulkJob[]>;
  /**
   * Acts on as many of these batches as the time allows, in one commit with an audit entry for each and the job's progress. A retry
   * leaves alone what ended after the job was started: that was retried since. Null: the job does not run any more, and nothing is done.
   */
  act(slice: BulkSlice): Promise<BulkActed | null>;
  /** Writes down how far a running job came, and that it is completed when `endedAt` is given. False: it does not run any more. */
  advance(id: string, progress: BulkProgress, endedAt: number | null, event: EventDraft | null): Promise<boolean>;
  /** Ends a running job. False: there is none. */
  cancel(tenant: string, id: string, now: number): Promise<boolean>;
}
