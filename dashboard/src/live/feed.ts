import type { Client, FeedEvent } from "batchyard/client";
import { freeze } from "../data/freeze.ts";
import { ServerClock } from "./server-clock.ts";

/** How the page hears of the server. `since`: when it last did. */
export type LiveState =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "degraded" }
  | { kind: "reconnecting"; retryAt: number; since: number }
  | { kind: "ended"; message: string };

export interface LiveEvent {
  type: string;
  data: Record<string, unknown>;
  timestamp: string | null;
}

/** How the stream fares. */
export interface Pace {
  /** Flushes. */
  perSecond: number;
  /** From an event to this page, by the server's clock; null = not known. */
  delayMs: number | null;
  /** How much the delay may be wrong by: the server's clock is known to within half a round trip. */
  withinMs: number;
}

type Listener = (events: readonly LiveEvent[]) => void;

/** Somebody who wants to see events one by one, as they come, and more kinds than the page itself lives by. */
export interface Tail {
  /** As the server takes them: `noun.verb` or `noun.*`. Gauges, which are not in the log, are never among them. */
  types: readonly string[];
  /** Where to begin: after this cursor. */
  since: string | null;
  event(event: FeedEvent): void;
  /** Events were missed for good. */
  reset(): void;
}

// At most four times a second: a faster page cannot be read, and at 1,000 events a second each flush is one patch a row.
const FLUSH_MS = 250;
// Of what waits while the page is frozen or hidden; beyond it the lists are loaded anew instead.
const MOST_WAITING = 5_000;
// What the pace is told of: long enough to hold still, short enough to be of now.
const PACE_MS = 5_000;
const MOST_DELAYS = 400;
// The server's clock: asked a few times at the start, since the shortest round trip says it best, and then seldom.
const CLOCK_ASKED = 4;
const CLOCK_MS = 60_000;

const LOG_TYPES = [
  "batch.*",
  "worker.started",
  "worker.stopped",
  "worker.lost",
  "chunk.stalled",
  "alert.*",
  "bulk.*",
  "stream.paused",
  "upstream.doubled",
  "settings.changed",
];
const GAUGE_TYPES = ["queue.status", "pipeline.throughput", "worker.stats"];

/**
 * The one event stream of the page. Events gather and are told together, in one animation frame, at most four times a second.
 * Of a figure that the next one replaces only the last is kept. While the tab is hidden the gauges are not asked for.
 */
export class LiveFeed {
  readonly #client: Client;
  readonly #listeners = new Set<Listener>();
  readonly #stateListeners = new Set<() => void>();
  readonly #resetListeners = new Set<() => void>();
  #waiting = new Map<string, LiveEvent>();
  #overflown = false;
  #tail: Tail | null = null;
  #connection: AbortController | null = null;
  #state: LiveState = { kind: "connecting" };
  #cursor: string | null = null;
  #lastHeard = Date.now();
  #flushTimer: ReturnType<typeof setTimeout> | null = null;
  #lastFlush = 0;
  #serial = 0;
  #flushes: number[] = [];
  /** By two clocks: the page's at arrival less the server's at the event. */
  #delays: { at: number; ms: number }[] = [];
  readonly #clock = new ServerClock();
  #clockTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  readonly state = (): LiveState => this.#state;

  readonly subscribeState = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  /** Of the last five seconds. */
  pace(now: number): Pace {
    const recent = (at: number): boolean => at > now - PACE_MS;
    this.#flushes = this.#flushes.filter(recent);
    this.#delays = this.#delays.filter(({ at }) => recent(at));
    const sorted = this.#delays.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    const offset = this.#clock.offset();
    return {
      perSecond: this.#flushes.length / (PACE_MS / 1000),
      delayMs: median === undefined || offset === null ? null : Math.max(0, Math.round(median + offset.ms)),
      withinMs: Math.ceil(offset?.within ?? 0),
    };
  }

  /** Told what happened since the last time, in order. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Told when events were missed for good: what is shown has to be loaded again. */
  onReset(listener: () => void): () => void {
    this.#resetListeners.add(listener);
    return () => this.#resetListeners.delete(listener);
  }

  /** The stream carries these events too until the returned function is called. One tail at a time. */
  tail(tail: Tail): () => void {
    this.#tail = tail;
    if (tail.since !== null) {
      // What lies between the two cursors was not told to the listeners: what they keep is loaded again instead.
      this.#cursor = tail.since;
      this.#overflown = true;
      this.#later();
    }
    this.#connect();
    return () => {
      if (this.#tail !== tail) return;
      this.#tail = null;
      this.#connect();
    };
  }

  start(): void {
    document.addEventListener("visibilitychange", () => this.#connect());
    freeze.subscribe(() => {
      if (!freeze.get()) this.#later();
    });
    this.#connect();
  }

  #connect(): void {
    this.#connection?.abort();
    const connection = new AbortController();
    this.#connection = connection;
    const { signal } = connection;
    const own = document.hidden ? LOG_TYPES : [...LOG_TYPES, ...GAUGE_TYPES];
    const types = [...new Set([...own, ...(this.#tail?.types ?? [])])];
    this.#client
      .follow(
        { types, window: FLUSH_MS, since: this.#cursor },
        {
          event: (event) => {
            if (signal.aborted) return;
            this.#lastHeard = Date.now();
            if (event.timestamp !== null) this.#delays.push({ at: this.#lastHeard, ms: this.#lastHeard - Date.parse(event.timestamp) });
            if (this.#delays.length > MOST_DELAYS) this.#delays.splice(0, MOST_DELAYS / 2);
            this.#cursor = event.cursor ?? this.#cursor;
            if (this.#tail !== null && isOfTypes(this.#tail.types, event.type) && !GAUGE_TYPES.includes(event.type))
              this.#tail.event(event);
            if (isOfTypes(own, event.type)) this.#take(event);
          },
          open: () => {
            this.#setState({ kind: "live" });
            void this.#askClock(CLOCK_ASKED);
          },
          lost: (_error, retryInMs) => this.#setState({ kind: "reconnecting", retryAt: Date.now() + retryInMs, since: this.#lastHeard }),
          degraded: () => this.#setState({ kind: "degraded" }),
          reset: () => {
            if (this.#state.kind === "degraded") this.#setState({ kind: "live" });
            this.#cursor = null;
            this.#overflown = true;
            this.#tail?.reset();
            this.#later();
          },
        },
        signal,
      )
      .catch((error: unknown) => {
        if (!signal.aborted) this.#setState({ kind: "ended", message: error instanceof Error ? error.message : String(error) });
      });
  }

  /** Without an answer the delay is as well known as before. */
  async #askClock(times: number): Promise<void> {
    if (this.#clockTimer !== null) clearTimeout(this.#clockTimer);
    this.#clockTimer = setTimeout(() => void this.#askClock(1), CLOCK_MS);
    if (document.hidden || freeze.get()) return;
    for (let i = 0; i < times; i += 1) {
      try {
        const asked = Date.now();
        const { now } = await this.#client.request<{ now: number }>("/api/system/clock");
        this.#clock.add({ asked, heard: Date.now(), server: now });
      } catch {
        return;
      }
    }
  }

  #take({ type, data, timestamp }: FeedEvent): void {
    const key = replaces(type, data) ?? `${(this.#serial += 1)}`;
    // A later figure stands where the later event stands.
    this.#waiting.delete(key);
    this.#waiting.set(key, { type, data, timestamp });
    if (this.#waiting.size > MOST_WAITING) {
      this.#waiting = new Map();
      this.#overflown = true;
    }
    this.#later();
  }

  #later(): void {
    if (this.#flushTimer !== null || freeze.get()) return;
    const wait = Math.max(0, this.#lastFlush + FLUSH_MS - Date.now());
    this.#flushTimer = setTimeout(() => {
      // A hidden tab has no frames; it may be told without one.
      if (document.hidden) this.#flush();
      else requestAnimationFrame(() => this.#flush());
    }, wait);
  }

  #flush(): void {
    this.#flushTimer = null;
    if (freeze.get()) return;
    this.#lastFlush = Date.now();
    this.#flushes.push(this.#lastFlush);
    const events = [...this.#waiting.values()];
    this.#waiting = new Map();
    if (this.#overflown) {
      this.#overflown = false;
      for (const listener of this.#resetListeners) listener();
    }
    if (events.length > 0) for (const listener of this.#listeners) listener(events);
  }

  #setState(state: LiveState): void {
    if (state.kind === "live") this.#lastHeard = Date.now();
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }
}

function isOfTypes(types: readonly string[], type: string): boolean {
  return types.some((wanted) => wanted === type || (wanted.endsWith(".*") && type.startsWith(wanted.slice(0, -1))));
}

/** What an event replaces of those that wait; null: nothing. */
function replaces(type: string, data: Record<string, unknown>): string | null {
  if (type === "batch.progress") return `progress ${String(data["batch_id"])}`;
  if (type === "queue.status") return type;
  if (type === "worker.stats") return `worker ${String(data["worker"])}`;
  if (type === "pipeline.throughput") return `throughput ${typeof data["stream"] === "string" ? data["stream"] : ""}`;
  return null;
}
