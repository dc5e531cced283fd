import type { Caller } from "../batches/service.ts";
import type { DeadLetter, DeadSelection, WindowClosed } from "../store/port.ts";
import type { ClosureSettings, StreamDefinition } from "./definition.ts";
import type { PreviewRequest } from "./preview/impact.ts";
import type { LagView } from "./lag.ts";
import type { Preview } from "./preview/preview.ts";
import type { ChangeReport } from "./preview/rule-log.ts";

export interface StreamIntake {
  /** Items that were not taken, by code. */
  rejected: ReadonlyMap<string, number>;
  /** Requests that brought items, and how long all of them together waited for their commit. */
  offers: number;
  offerMs: number;
}

export interface StreamView {
  name: string;
  definition: StreamDefinition;
  /** `detections`, `requests`: there for whoever uses them, their limits follow the settings. */
  readyMade: boolean;
  openWindows: number;
  openItems: number;
  /** Items dropped by drop_oldest since the start of this process. */
  droppedItems: number;
  /** Since the start of this process, too. */
  intake: Readonly<StreamIntake>;
  /** Why its windows cannot become batches; null = they can. */
  fault: string | null;
}

/** Times in Unix milliseconds. */
export interface WindowView {
  id: string;
  stream: string;
  key: string;
  items: number;
  bytes: number;
  openedAt: number;
  lastItemAt: number;
  held: boolean;
  /** When it closes by time at the latest, as the rules are; null = never. */
  dueAt: number | null;
  /** 0..1 of maxItems or maxBytes, whichever is nearer; null without such a rule. */
  fill: number | null;
}

export interface RejectedItem {
  /** 0-based. */
  index: number;
  code: string;
  message: string;
}

export interface OfferAnswer {
  accepted: number;
  rejected: RejectedItem[];
  items: { id: string; batchId: string; fastPath: boolean }[];
}

export interface RequeueRequest {
  /** Letters at most, the oldest first. */
  limit: number;
  /** Items a second; null = at once. What is left goes on in the background, also over a restart. */
  rate: number | null;
  selection?: DeadSelection | undefined;
}

export interface RequeueAnswer {
  /** Back in windows now. */
  requeued: number;
  /** Still to come at the given rate. */
  scheduled: number;
  /** Tried and left: the stream was full, or they no longer fit it. */
  left: RejectedItem[];
}

export interface PreviewAnswer {
  stream: string;
  /** The rules in force, and those that were tried. */
  current: ClosureSettings;
  candidate: ClosureSettings;
  preview: Preview;
}

/** Everything that can be done with streams. Throws stream_not_found for one that is not there, or is another tenant's. */
export interface Streams {
  list(caller: Caller): StreamView[];
  get(caller: Caller, name: string): StreamView;
  /** Creates or changes; open windows obey the new rules at once. `reason`: for the audit log. Throws validation_failed, ready_made_stream. */
  put(
    caller: Caller,
    name: string,
    definition: unknown,
    /** `guarded`: a large change of its rules asks for a preview of the same rules or a reason, also where the settings do not ask for it. */
    extras?: { reason?: string | undefined; guarded?: boolean },
  ): Promise<{ stream: StreamView; created: boolean }>;
  /** Closes what is open (`drain`), then forgets the definition and its dead letters. */
  remove(caller: Caller, name: string): Promise<{ batches: string[] }>;
  /**
   * Items as JSON texts, one line each; resolves after the durable commit. `first` is the index of the first one in the request.
   * Faults of single items are in `rejected`.
   */
  offer(caller: Caller, name: string, texts: readonly string[], first: number): Promise<OfferAnswer>;
  windows(caller: Caller, name: string): WindowView[];
  flush(caller: Caller, name: string, key: string | null): Promise<{ batches: string[] }>;
  setPaused(caller: Caller, name: string, paused: boolean): Promise<StreamView>;
  deadLetters(
    caller: Caller,
    name: string,
    page: { after: number; limit: number; selection?: DeadSelection },
  ): Promise<{ letters: DeadLetter[]; total: number }>;
  /** Takes the place of a requeue of this stream that still goes on. */
  requeue(caller: Caller, name: string, request: RequeueRequest): Promise<RequeueAnswer>;
  /** Removes dead letters for good, at most `limit`, the oldest first; returns how many. */
  discard(caller: Caller, name: string, selection: DeadSelection, limit: number): Promise<number>;
  /** The settings of the ready-made streams changed: their open windows obey at once. */
  rulesChanged(): void;
  /** Of streams whose windows close by age: when the oldest open one was opened, Unix milliseconds. */
  oldestWindows(tenant: string): { stream: string; openedAt: number; windowMs: number }[];
  lag(): LagView;
  /** What other rules would have done to the recorded arrivals. Throws settings_invalid for rules that a PUT would refuse. */
  preview(caller: Caller, name: string, request: PreviewRequest): Promise<PreviewAnswer>;
  /** Changes of the rules, newest first: what was expected of each, and what it did. */
  /** How the window of a batch closed, and since when the rules stood by which it did (null = not known); null = it came from none. */
  closed(caller: Caller, batchId: string): Promise<(WindowClosed & { rulesSince: number | null }) | null>;
  /** Throws preview_required when these changes of its rules ask for a preview or a reason and there is none; `guarded` as in `put`. */
  checkPreviewed(
    caller: Caller,
    name: string,
    changes: Readonly<Record<string, unknown>>,
    how: { reason?: string | undefined; guarded: boolean },
  ): Promise<void>;
  previewHistory(caller: Caller, name: string): Promise<ChangeReport[]>;
  /** Works out predictions and figures of changes that are due, of all tenants. */
  settlePredictions(): Promise<void>;
}
