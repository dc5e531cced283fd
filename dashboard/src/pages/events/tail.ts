import type { FeedEvent } from "batchyard/client";
import { freeze } from "../../data/freeze.ts";
import type { Tail } from "../../live/feed.ts";
import { type Entry, Grouper } from "./entries.ts";
import type { LogPage } from "./queries.ts";
import type { Severity } from "./search.ts";

/** Events that are kept at most, the newest; what is shown and exported is among them. */
export const MOST_KEPT = 5_000;
const MOST_CHARACTERS = 16_000_000;
const FLUSH_MS = 250;
const SECONDS = 60;

export interface TailView {
  /** Oldest first. */
  entries: readonly Entry[];
  /** Taken in since the tail began, kept or not: what is shown is the end of it. */
  total: number;
  /** Events that came in each of the last seconds, oldest first; the running one is not among them. */
  perSecond: readonly number[];
}

/**
 * The newest events, in bounded memory. Events are taken in as they come and shown at most four times a second, in one
 * animation frame; while the page is frozen they are only taken in.
 */
export class EventTail {
  readonly #grouper = new Grouper();
  readonly #severities: readonly Severity[];
  readonly #listeners = new Set<() => void>();
  #entries: { entry: Entry; characters: number }[] = [];
  #characters = 0;
  #total = 0;
  #counts: number[] = Array.from({ length: SECONDS }, () => 0);
  #running = 0;
  #dirty = false;
  #view: TailView = { entries: [], total: 0, perSecond: this.#counts };
  #flush: ReturnType<typeof setTimeout> | null = null;
  #clock: ReturnType<typeof setInterval> | null = null;

  constructor(severities: readonly Severity[]) {
    this.#severities = severities;
  }

  readonly get = (): TailView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#clock ??= setInterval(() => this.#tick(), 1_000);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      if (this.#clock !== null) clearInterval(this.#clock);
      if (this.#flush !== null) clearTimeout(this.#flush);
      this.#clock = this.#flush = null;
    };
  };

  /** Begins with what the log has, and then takes what comes. */
  following(page: LogPage, types: readonly string[]): Tail {
    for (const { type, severity, timestamp, cursor, data } of page.events) this.#add({ type, severity, at: timestamp, cursor, data });
    this.#later();
    return { types, since: page.cursor, event: (event) => this.take(event), reset: () => this.note(RESET) };
  }

  take({ type, severity, timestamp, cursor, data }: FeedEvent): void {
    this.#running += 1;
    if (!this.#severities.includes(severity)) return;
    this.#add({ type, severity, at: timestamp ?? new Date().toISOString(), cursor, data });
    this.#later();
  }

  note(text: string): void {
    this.#push(this.#grouper.line(text, new Date().toISOString()), 0);
    this.#later();
  }

  #add(event: Parameters<Grouper["event"]>[0]): void {
    this.#total += 1;
    this.#push(this.#grouper.event(event), sizeOf(event.data));
  }

  #push(entry: Entry, characters: number): void {
    this.#entries.push({ entry, characters });
    this.#characters += characters;
    this.#dirty = true;
    // Dropped in one go, not one by one.
    if (this.#entries.length < 1.2 * MOST_KEPT && this.#characters < 1.2 * MOST_CHARACTERS) return;
    this.#trim();
  }

  #trim(): void {
    let drop = Math.max(0, this.#entries.length - MOST_KEPT);
    let characters = this.#characters;
    for (let i = 0; i < this.#entries.length; i += 1) {
      if (i >= drop && characters <= MOST_CHARACTERS) break;
      characters -= this.#entries[i]?.characters ?? 0;
      drop = Math.max(drop, i + 1);
    }
    this.#entries = this.#entries.slice(drop);
    this.#characters = characters;
  }

  #later(): void {
    if (this.#flush !== null) return;
    this.#flush = setTimeout(() => {
      requestAnimationFrame(() => {
        this.#flush = null;
        this.#show();
      });
    }, FLUSH_MS);
  }

  #tick(): void {
    this.#counts = [...this.#counts.slice(1), this.#running];
    this.#running = 0;
    if (document.hidden) return;
    this.#show();
  }

  #show(): void {
    if (freeze.get()) return;
    const entries = this.#dirty ? this.#entries.slice(-MOST_KEPT).map(({ entry }) => entry) : this.#view.entries;
    this.#dirty = false;
    this.#view = { entries, total: this.#total, perSecond: this.#counts };
    for (const listener of this.#listeners) listener();
  }
}

const RESET = "Stream reset: what happened between the events above and below was missed, and what the other pages show was loaded again.";

/** Roughly what an event holds in memory, without writing it out. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + sizeOf(each), 8);
  if (typeof value === "object" && value !== null)
    return Object.entries(value).reduce((sum, [name, each]) => sum + name.length + sizeOf(each), 8);
  return 8;
}
