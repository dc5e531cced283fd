import type { Arrival } from "../model/arrival-block.ts";
import type { NewBatch } from "./batches.ts";
import type { NewRequest } from "./requests.ts";

export interface StreamRow {
  tenant: string;
  name: string;
  definition: Record<string, unknown>;
  paused: boolean;
  createdAt: number;
  updatedAt: number;
}

/** An open batch of a stream and key: it takes items until it closes, and its id is the id of the batch it becomes. */
export interface WindowRow {
  id: string;
  tenant: string;
  stream: string;
  key: string;
  openedAt: number;
  lastItemAt: number;
  items: number;
  /** UTF-8 bytes of the items' texts. */
  bytes: number;
  /** A rule of time was due while there were too few items. */
  held: boolean;
}

/** An open window with what its next items are measured against. */
export interface RecoveredWindow extends WindowRow {
  keys: string[];
  /** Bytes of each item, in the order of `keys`. */
  sizes: number[];
}

export interface WindowClosing {
  reason: string;
  /** The batch the window becomes; `id`, `stream`, `streamKey` and `closeReason` are those of the window. */
  batch: NewBatch;
  maxFailures: number | null;
  /** Items and characters of a chunk; Infinity = the whole window is one. */
  chunkItems: number;
  chunkChars: number;
  /** How much later than its rule it closes, milliseconds. */
  lagMs: number;
  /** Further data of the event window.closed. */
  says: Record<string, unknown>;
  /** Its batch starts paused and is released with the others that `holdBatches` paused. */
  heldBatch?: boolean;
}

/** What happens to one window within a commit, in this order: it opens, items leave it, items come, it closes. */
export interface WindowChange {
  /** As it is after this change, before it closes. Without items it vanishes and becomes no batch. */
  window: WindowRow;
  opens: boolean;
  /** Items taken off the front to make room. */
  drops: number;
  /** `body`: texts joined with LINE_JOINT; `says`: further data of the event item.received. */
  adds: { keys: string[]; body: string; says: Record<string, unknown> } | null;
  closes: WindowClosing | null;
  /** Dead letters that became these items; they go in the same step. */
  requeued: number[];
  /** Single requests that are these items; written in the same step. Throws when an open one has the custom id. */
  requests?: readonly NewRequest[] | undefined;
  /** Traceparents of the requests that brought `adds`; the first 128 of a window are kept. */
  traces?: readonly string[] | undefined;
  /** Keys of items that leave, wherever they stand; requests of these ids are cancelled. Throws for a key that is not there. */
  withdrawn?: readonly string[] | undefined;
}

export interface NewDeadLetter {
  tenant: string;
  stream: string;
  /** Key of the item; null when the item has none of its own. */
  itemKey: string | null;
  /** The item's JSON text. */
  text: string;
  reason: string;
  at: number;
}

export interface DeadLetter extends NewDeadLetter {
  id: number;
}

/** What a commit brought to one stream, in the order it came: goes into the arrival log in the same step. */
export interface NewArrivals {
  tenant: string;
  stream: string;
  arrivals: readonly Arrival[];
}

/** Which dead letters of a stream, which dead items of an operation: all that are left out count as "any". */
export interface DeadSelection {
  /** Of failed items: only of this kind of error. */
  fingerprint?: string | undefined;
  /** Reason of a letter, error code of an item. */
  reason?: string | undefined;
  ids?: readonly number[] | undefined;
}

/** Dead letters of one stream, or dead items of one operation, for one reason. Times of the oldest and the newest. */
export interface DeadGroup {
  queue: string;
  reason: string;
  count: number;
  oldest: number;
  newest: number;
}

/** The rest of a requeue that goes on at so many letters a second. */
export interface PacedRequeue {
  tenant: string;
  stream: string;
  selection: DeadSelection;
  rest: number;
  rate: number;
  /** Id of the last letter that was tried. */
  after: number;
}

/** How the window of a batch was, and why it closed. */
export interface WindowClosed {
  stream: string;
  openedAt: number;
  closedAt: number;
  /** Milliseconds that it closed after it was due. */
  lagMs: number | null;
  reason: string;
}

/** Times of one closed window and its batch. */
export interface PipelineSample {
  openedAt: number;
  closedAt: number;
  startedAt: number | null;
  completedAt: number | null;
}

/** Batches of one operation that wait and run, and those that ended since a time. */
export interface QueueRow {
  operation: string;
  pending: number;
  running: number;
  ended: number;
  /** Mean time from start to end of those, milliseconds; null = none ended. */
  meanMs: number | null;
  oldest: { id: string; createdAt: number } | null;
}

export interface StreamStore {
  /** Of all tenants. */
  definitions(): Promise<StreamRow[]>;
  save(stream: StreamRow): Promise<void>;
  /** With its dead letters, its arrival log and the history of its rules. */
  remove(tenant: string, name: string): Promise<boolean>;
  /** Every open window with its true start, those open longest first. */
  open(): Promise<RecoveredWindow[]>;
  /**
   * One durable step for many windows: group commit. Per change: true when the window closed by it. A change that only closes
   * a window which is not open does nothing (false); one that adds to it throws, and then nothing of the step is written.
   */
  commit(step: {
    changes: readonly WindowChange[];
    deadLetters: readonly NewDeadLetter[];
    arrivals: readonly NewArrivals[];
    now: number;
  }): Promise<boolean[]>;
  /** Traceparents of the requests that brought the items of a window, each once, the first 128; also after it has closed. */
  traces(tenant: string, windowId: string): Promise<string[]>;
  /** Pauses every batch of a stream that is pending or running, and marks it; running ones of the executors `goesOn` are left. Returns their ids. */
  holdBatches(tenant: string, stream: string, goesOn: readonly string[], now: number): Promise<string[]>;
  /** Takes the mark off every batch, and resumes those that are still paused. Returns the ids of these. */
  releaseBatches(tenant: string, stream: string, now: number): Promise<string[]>;
  /** Oldest first, `after` exclusive. */
  deadLetters(tenant: string, stream: string, page: { after: number; limit: number; selection?: DeadSelection }): Promise<DeadLetter[]>;
  /** Maintained, never counted, by stream and reason. */
  deadLetterGroups(tenant: string): Promise<DeadGroup[]>;
  /** Removes them for good, oldest first, at most `limit`; returns how many. */
  discardLetters(tenant: string, stream: string, selection: DeadSelection, limit: number): Promise<number>;
  /** Of all tenants. */
  pacedRequeues(): Promise<PacedRequeue[]>;
  /** Replaces that of the same stream; a `rest` of 0 ends it. */
  pace(requeue: PacedRequeue): Promise<void>;
  /** Windows that closed in [from, to), newest first, at most `limit`; `stream` null = of all streams. */
  /** The window that became this batch; null = it is open, never was, or is gone. */
  closed(tenant: string, batchId: string): Promise<WindowClosed | null>;
  samples(tenant: string, stream: string | null, range: { from: number; to: number; limit: number }): Promise<PipelineSample[]>;
  /** By operation; `since` bounds what counts as ended lately. */
  queues(tenant: string, since: number): Promise<QueueRow[]>;
}
