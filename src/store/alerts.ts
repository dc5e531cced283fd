import type { AlertFrequency, AlertSeverity, AlertState, Compare } from "../model/alert.ts";
import type { EventDraft } from "../model/event.ts";
import type { OutboxDraft } from "./openai-batches.ts";

/** Alerts: what is looked at, what was seen, and what people were told. Part of the port; see port.ts for its general rules. */

export interface AlertEpisode {
  id: string;
  tenant: string;
  rule: string;
  /** What it is about: `operation:<name>`, `stream:<name>`, `channel:<name>`, or "" for all together. */
  instance: string;
  kind: string;
  severity: AlertSeverity;
  openedAt: number;
  resolvedAt: number | null;
  threshold: number;
  /** As last seen, and the worst of the episode. */
  value: number;
  worst: number;
  message: string;
  /** Channels that were told of the opening; null = nobody has been. */
  channels: string[] | null;
  ackedAt: number | null;
  ackedBy: string | null;
  note: string | null;
}

export interface AlertStateRow {
  rule: string;
  instance: string;
  /** Of the open episode. */
  episode: string | null;
  state: AlertState;
}

export interface AlertSilence {
  id: string;
  tenant: string;
  /** Null = every rule. */
  rule: string | null;
  /** Null = every instance. */
  instance: string | null;
  from: number;
  /** Exclusive. */
  until: number;
  by: string;
  comment: string | null;
}

/** What was measured at a look; it holds until the next row of the same thing. */
export interface AlertSample {
  metric: string;
  instance: string;
  at: number;
  /** value: the number itself; since: now − number; until: number − now; nodata, gone: no number. */
  shape: "value" | "since" | "until" | "nodata" | "gone";
  number: number;
}

/** A line of a message that goes out later with others. */
export interface AlertLine {
  channel: string;
  /** Unique among lines: a repeated insert is ignored. */
  dedupeKey: string;
  frequency: AlertFrequency;
  dueAt: number;
  subject: string;
  body: string;
}

/** A stretch of time in which every tick was looked at; both ends inclusive. */
export interface AlertSpan {
  from: number;
  to: number;
}

/** Everything that one look changes. */
export interface AlertStep {
  tenant: string;
  at: number;
  /** The look goes on with the span that ended one tick before, or begins a new one; none: it was no look at the figures. */
  span: "continues" | "begins" | "none";
  samples: readonly AlertSample[];
  states: readonly AlertStateRow[];
  /** New ones, and changes of open ones; who took one on stays. */
  episodes: readonly AlertEpisode[];
  messages: readonly OutboxDraft[];
  lines: readonly AlertLine[];
  /** Messages that went to a channel at once, for its limit; `windowAt` is the start of the window. */
  sent: readonly { channel: string; windowAt: number; messages: number }[];
  /** Lines that went out in these messages. */
  flushed: readonly number[];
  events: readonly EventDraft[];
}

/** Facts that only the store can tell at once; each costs by what is open or recent, not by what is stored. */
export interface AlertFigures {
  /** The minute bucket of the first batch ever; when minutes are not kept so long, no later than when they begin; null = there was none. */
  firstBatchAt: number | null;
  operations: {
    operation: string;
    pending: number;
    running: number;
    oldestPendingAt: number | null;
    /** Start of the batch that has been running longest. */
    oldestStartAt: number | null;
    /** Longest time from start to end among those that ended since `since`; null = none did. */
    longestMs: number | null;
  }[];
  /** Kinds of errors never seen before `since`, by operation, without those that are muted. */
  newErrorClasses: { operation: string; classes: number }[];
  /** By provider: the earliest time at which an upstream batch that is still open is given up. */
  providers: { provider: string; timeoutAt: number }[];
  /** Largest share of a budget that an open batch has spent, by operation; percent. */
  budgets: { operation: string; percent: number }[];
  /** By channel: most tries of a message that has not arrived, among those under way and those given up since `since`. */
  channels: { channel: string; tries: number }[];
  /** By stream, when its last item came. */
  lastArrivals: { stream: string; at: number }[];
}

/** How often a rule opened. */
export interface RuleNoise {
  rule: string;
  episodes: number;
  /** Of these, those that somebody was told of. */
  told: number;
  lastOpenedAt: number;
}

/** Which values are over a threshold. */
export interface AlertBreach {
  compare: Compare;
  threshold: number;
}

export interface AlertStore {
  /** Of all tenants that have or had batches or streams. */
  tenants(): Promise<string[]>;
  /** Rules as they were saved, by name: what is not in a body is as the catalogue has it. */
  rules(tenant: string): Promise<{ name: string; body: Record<string, unknown> }[]>;
  saveRule(tenant: string, name: string, body: Record<string, unknown>, now: number): Promise<void>;
  /** False = there was none. */
  removeRule(tenant: string, name: string): Promise<boolean>;
  preferences(tenant: string): Promise<Record<string, unknown>>;
  savePreferences(tenant: string, body: Record<string, unknown>): Promise<void>;
  /** Those that end after `now`, also when they have not begun. */
  silences(tenant: string, now: number): Promise<AlertSilence[]>;
  addSilence(silence: AlertSilence): Promise<void>;
  /** False = there is none, or it is over. */
  endSilence(tenant: string, id: string, now: number): Promise<boolean>;

  states(tenant: string): Promise<AlertStateRow[]>;
  /** Newest first, `before` exclusive. */
  episodes(
    tenant: string,
    page: { open?: boolean | undefined; before: { openedAt: number; id: string } | null; limit: number },
  ): Promise<AlertEpisode[]>;
  episode(tenant: string, id: string): Promise<AlertEpisode | null>;
  /** Open episodes by severity and whether they are silenced now; costs by what is open. */
  open(tenant: string): Promise<{ severity: AlertSeverity; silenced: boolean; alerts: number }[]>;
  /** Of episodes that opened since; costs by these. */
  noise(tenant: string, since: number): Promise<RuleNoise[]>;
  /** Someone took an open episode on; the first one counts. Null = there is no such episode; a resolved one comes back unchanged. */
  acknowledge(
    tenant: string,
    id: string,
    by: { by: string; note: string | null; now: number; event: EventDraft },
  ): Promise<AlertEpisode | null>;
  /** Everything of one look, or nothing of it. */
  commit(step: AlertStep): Promise<void>;
  /** Lines that are due, oldest first. */
  dueLines(tenant: string, now: number): Promise<(AlertLine & { id: number })[]>;
  /** Messages that went to a channel at once in the window that began then. */
  sent(tenant: string, windowAt: number): Promise<{ channel: string; messages: number }[]>;

  /** When the last look was; null = never. */
  lastLook(tenant: string): Promise<number | null>;
  /** Spans that reach into [from, to], in order. */
  spans(tenant: string, range: { from: number; to: number }): Promise<AlertSpan[]>;
  /**
   * In order of time, from the last of each thing before `from` on. With `breach`, values that are none may be left out, but for the
   * first one of a thing behind a breach or behind what is no value.
   */
  samples(tenant: string, metric: string, range: { from: number; to: number }, breach?: AlertBreach): Promise<AlertSample[]>;
  figures(tenant: string, range: { since: number; now: number }): Promise<AlertFigures>;
  /** Takes note of the kinds of errors among failures that came since the last call, at most `limit` of them; returns how many it read. */
  noteErrors(limit: number): Promise<number>;
  /** Removes samples, spans, resolved episodes, silences and limits that are older. */
  trim(before: number): Promise<void>;
}
