import type { Severity, StoredEvent } from "../../model/event.ts";
import { jobData, jobType, mergeData, mergedType, mergeJobs } from "../../model/merged-event.ts";
import { classOf, isFinalType } from "../catalogue.ts";

/** What is sent at once: one event, or several of a group written as one. */
export interface Frame {
  /** In order, at least one; of one type. */
  readonly events: readonly StoredEvent[];
}

export type Dialect = "core" | "jobs";

/** Same type, source, tenant and severity. */
export function groupOf(event: Pick<StoredEvent, "type" | "tenant" | "severity" | "data">): string {
  return JSON.stringify([event.type, sourceOf(event.data), event.tenant, event.severity]);
}

/** The worker or the stream that an event comes from. */
function sourceOf(data: Readonly<Record<string, unknown>>): string {
  const source = data["source"] ?? data["worker"] ?? data["stream"];
  return typeof source === "string" ? source : "";
}

export interface FrameRules {
  /** Every event by itself, none left out. */
  readonly raw: boolean;
  /** Events of a frame at most. */
  readonly maxEvents: number;
  /** Critical events are merged with their like, too. */
  readonly mergeCritical: boolean;
  /** The last figure before a final event is sent, too: for readers of packets, who wait for the one that says 100. */
  readonly lastFigures: boolean;
}

/**
 * The events as frames, in the order to send them: `latest` only the last of an entity and none before its final event,
 * `durable` each alone, the rest by group. An event joins the frame of its group unless an event of the same id stands in a
 * later one, so that whoever reads the frames one after the other meets the events of each batch in their order, from the
 * window that it was.
 *
 * A pure function of the events: who resumes within the frames of a flush gets the same frames again.
 */
export function framesOf(events: readonly StoredEvent[], rules: FrameRules): Frame[] {
  if (rules.raw) return events.map((event) => ({ events: [event] }));
  const frames: StoredEvent[][] = [];
  const newest = new Map<string, number>();
  const reached = new Map<string, number>();
  for (const event of withoutReplaced(events, rules.lastFigures)) {
    const id = `${event.tenant} ${event.entity.id}`;
    const group = groupOf(event);
    let at = newest.get(group);
    const open = at === undefined ? undefined : frames[at];
    if (at === undefined || open === undefined || open.length >= rules.maxEvents || (reached.get(id) ?? 0) > at || isAlone(event, rules)) {
      at = frames.push([event]) - 1;
      newest.set(group, at);
    } else open.push(event);
    reached.set(id, at);
  }
  return frames.map((members) => ({ events: members }));
}

/** Without the figures that a later one of the same entity, or its final event, replaces. */
function withoutReplaced(events: readonly StoredEvent[], lastFigures: boolean): StoredEvent[] {
  const replaced = new Map<string, Set<string>>();
  const ended = new Set<string>();
  const kept: StoredEvent[] = [];
  for (let at = events.length - 1; at >= 0; at--) {
    const event = events[at]!;
    if (classOf(event.type) === "latest") {
      const entity = entityOf(event);
      let types = replaced.get(entity);
      if (types === undefined) replaced.set(entity, (types = new Set()));
      if (types.has(event.type) || ended.has(entity)) continue;
      types.add(event.type);
    } else if (isFinalType(event.type)) {
      if (lastFigures) replaced.delete(entityOf(event));
      else ended.add(entityOf(event));
    }
    kept.push(event);
  }
  return kept.reverse();
}

function isAlone(event: StoredEvent, rules: FrameRules): boolean {
  const sort = classOf(event.type);
  return sort === "durable" || (sort === "critical" && !rules.mergeCritical);
}

function entityOf(event: StoredEvent): string {
  return `${event.tenant} ${event.entity.kind} ${event.entity.id}`;
}

export interface WireFrame {
  type: string;
  data: Readonly<Record<string, unknown>>;
  timestamp: string;
  severity: Severity;
  /** Seq of the first and the last event. */
  from: number;
  to: number;
}

export function wireFrame({ events }: Frame, dialect: Dialect): WireFrame {
  const first = events[0]!;
  const last = events.at(-1)!;
  const type = dialect === "jobs" ? jobType(first.type) : first.type;
  const parts = events.map((event) => (dialect === "jobs" ? jobData(event.data) : event.data));
  const isMerged = parts.length > 1;
  return {
    type: isMerged ? mergedType(type) : type,
    data: !isMerged ? parts[0]! : dialect === "jobs" ? mergeJobs(type, parts) : mergeData(parts),
    timestamp: new Date(last.ts).toISOString(),
    severity: first.severity,
    from: first.seq,
    to: last.seq,
  };
}
