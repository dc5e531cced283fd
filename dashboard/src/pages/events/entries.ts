import type { Severity } from "./search.ts";

/** One event on the page. */
export interface EventEntry {
  kind: "event";
  serial: number;
  /** Entries of one group stand under one row. */
  group: number;
  type: string;
  severity: Severity;
  at: string;
  cursor: string | null;
  data: Readonly<Record<string, unknown>>;
}

/** Something about the stream itself. */
export interface LineEntry {
  kind: "line";
  serial: number;
  group: number;
  text: string;
  at: string;
}

export type Entry = EventEntry | LineEntry;

/** Events of one kind that came together: one row, that can be opened. In the order they happened; at least one. */
export interface Group {
  key: number;
  entries: readonly EventEntry[];
}

const TOGETHER_MS = 1_000;
const MOST_TOGETHER = 500;

/** Numbers entries, and says which of them belong together: the same type, severity and source, nothing between, within a second. */
export class Grouper {
  #serial = 0;
  #group = 0;
  #open: { key: string; startedAt: number; size: number } | null = null;

  event(event: Omit<EventEntry, "kind" | "serial" | "group">): EventEntry {
    const key = `${event.type} ${event.severity} ${sourceOf(event.data)}`;
    const at = Date.parse(event.at);
    const open = this.#open;
    if (open?.key === key && at - open.startedAt < TOGETHER_MS && open.size < MOST_TOGETHER) open.size += 1;
    else {
      this.#group += 1;
      this.#open = { key, startedAt: at, size: 1 };
    }
    return { kind: "event", serial: (this.#serial += 1), group: this.#group, ...event };
  }

  line(text: string, at: string): LineEntry {
    this.#open = null;
    return { kind: "line", serial: (this.#serial += 1), group: (this.#group += 1), text, at };
  }
}

function sourceOf(data: Readonly<Record<string, unknown>>): string {
  const source = data["source"] ?? data["worker"] ?? data["stream"];
  return typeof source === "string" ? source : "";
}

const texts = new WeakMap<EventEntry, string>();

/** Whether the text stands anywhere in the event; case does not matter. `wanted` in lower case. */
function says(entry: EventEntry, wanted: string): boolean {
  let text = texts.get(entry);
  if (text === undefined) texts.set(entry, (text = `${entry.type} ${JSON.stringify(entry.data)}`.toLowerCase()));
  return text.includes(wanted);
}

export function narrowed(entries: readonly Entry[], severities: readonly Severity[], q: string): Entry[] {
  const wanted = q.trim().toLowerCase();
  return entries.filter(
    (entry) => entry.kind === "line" || (severities.includes(entry.severity) && (wanted === "" || says(entry, wanted))),
  );
}

/** Rows in the order of the entries; groups are never torn apart. */
export function grouped(entries: readonly Entry[]): (Group | LineEntry)[] {
  const rows: (Group | LineEntry)[] = [];
  let open: EventEntry[] = [];
  for (const entry of entries) {
    if (entry.kind === "line") rows.push(entry);
    else if (open[0]?.group === entry.group) open.push(entry);
    else {
      open = [entry];
      rows.push({ key: entry.group, entries: open });
    }
  }
  return rows;
}

export function jsonLines(entries: readonly Entry[]): string {
  return entries
    .map((entry) =>
      entry.kind === "line"
        ? { type: "note", timestamp: entry.at, text: entry.text }
        : { type: entry.type, severity: entry.severity, timestamp: entry.at, cursor: entry.cursor, data: entry.data },
    )
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}
