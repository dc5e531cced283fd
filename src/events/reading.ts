import type { Severity, StoredEvent } from "../model/event.ts";
import type { EventLog } from "./port.ts";

/** What of the log is wanted; null = any. */
export interface Wished {
  tenant: string;
  /** Exact types, or `noun.*`. */
  types: readonly string[] | null;
  severities: readonly Severity[] | null;
  /** Events at most. */
  limit: number;
}

export interface LogPage {
  /** Ascending. */
  events: StoredEvent[];
  /** Position after the last event that was looked at. */
  seq: number;
  /** Nothing follows yet. */
  end: boolean;
}

const PAGE = 500;
// What one question looks through at most, however rare the events that it wants: its cost does not grow with the log.
const MOST_EXAMINED = 5_000;

/** Whether `type` is one of the `types`, of which `noun.*` takes a whole noun. */
export function isOfTypes(types: readonly string[], type: string): boolean {
  return types.some((wanted) => wanted === type || (wanted.endsWith(".*") && type.startsWith(wanted.slice(0, -1))));
}

/** Onwards from a position. The page may be empty before the end: then nothing of what was looked through is wanted. */
export async function readOnwards(log: EventLog, after: number, wished: Wished): Promise<LogPage> {
  const newest = log.lastSeq();
  const events: StoredEvent[] = [];
  let seq = after;
  for (let examined = 0; examined < MOST_EXAMINED; examined += PAGE) {
    const page = await log.read(seq, PAGE, { tenant: wished.tenant });
    for (const event of page) {
      if (wants(wished, event)) events.push(event);
      seq = event.seq;
      if (events.length === wished.limit) return { events, seq, end: seq >= newest };
    }
    if (page.length < PAGE) return { events, seq: Math.max(seq, newest), end: true };
  }
  return { events, seq, end: false };
}

/** The newest ones, as far as they are among the last events of the log. */
export async function readNewest(log: EventLog, wished: Wished): Promise<LogPage> {
  const newest = log.lastSeq();
  const first = await log.firstSeq();
  let events: StoredEvent[] = [];
  for (let end = newest, examined = 0; end >= first && end > 0 && examined < MOST_EXAMINED && events.length < wished.limit;) {
    const start = Math.max(0, end - PAGE);
    const page = await log.read(start, PAGE, { tenant: wished.tenant });
    events = [...page.filter((event) => event.seq <= end && wants(wished, event)), ...events];
    examined += PAGE;
    end = start;
  }
  return { events: events.slice(-wished.limit), seq: newest, end: true };
}

/** The position before the first event of that time or later; events stand in the log in the order of their times, nearly. */
export async function positionAt(log: EventLog, at: number): Promise<number> {
  let low = Math.max(0, (await log.firstSeq()) - 1);
  let high = log.lastSeq();
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [event] = await log.read(middle, 1);
    if (event !== undefined && event.ts < at) low = event.seq;
    else high = middle;
  }
  return low;
}

function wants({ types, severities }: Wished, event: StoredEvent): boolean {
  return (types === null || isOfTypes(types, event.type)) && (severities === null || severities.includes(event.severity));
}
