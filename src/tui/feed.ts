import { batchChange, ClientError, withChange, type Batch, type Client, type FeedEvent } from "../client/index.ts";
import { happeningsOf, LISTED_TYPES, withTold, type Happening, type Told } from "./happenings.ts";
import { FAST_PARTS, load, loadAll, SLOW_PARTS, type Part, type Question, type Snapshot } from "./snapshot.ts";

/** How the program hears of the server. Times in Unix milliseconds. */
export type Connection =
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly since: number; readonly retryAt: number; readonly message: string }
  /** Another try cannot help: the credential is refused. */
  | { readonly kind: "ended"; readonly message: string };

/** Everything the screen is drawn from. */
export interface Model {
  readonly snapshot: Snapshot;
  /** Newest first. */
  readonly events: readonly Happening[];
  readonly connection: Connection;
  /** When the newest word from the server came. */
  readonly heardAt: number;
}

/** Four times a second: more cannot be read, and a slower terminal keeps up. */
const FLUSH_MS = 250;
/** So many events before the first snapshot are heard again: it makes no difference which of its parts was answered first. */
const TAIL = 400;
const SLOW_FACTOR = 5;

const HEARD = [...LISTED_TYPES, "batch.progress", "bulk.progress", "queue.status", "worker.stats"];
const QUIET = new Set(["batch.progress", "worker.stats", "queue.status", "bulk.progress"]);

interface FeedParts {
  readonly client: Client;
  /** How old figures may become, in milliseconds. */
  readonly refreshMs: number;
  readonly question: Question;
  /** Told at most four times a second. */
  readonly changed: () => void;
}

/**
 * Keeps the model up to date: a snapshot, then events from before the snapshot on (an older one changes nothing), and figures
 * over time asked for again every `refreshMs` while the server answers. While it does not, the last model stays and says so.
 */
export class Feed {
  readonly #client: Client;
  readonly #refreshMs: number;
  readonly #changed: () => void;
  readonly #stop = new AbortController();
  #question: Question;
  #model: Model;
  #due: ReturnType<typeof setTimeout> | null = null;
  #poll: ReturnType<typeof setTimeout> | null = null;
  #flushedAt = 0;
  #rounds = 0;
  #wanted = new Set<Part>();
  /** Where the page of the log ends that the list began with. */
  readonly #listed: Cursor;
  #loading = false;

  private constructor(parts: FeedParts, snapshot: Snapshot) {
    this.#client = parts.client;
    this.#refreshMs = parts.refreshMs;
    this.#question = parts.question;
    this.#changed = parts.changed;
    this.#listed = cursorOf(snapshot.events.cursor);
    this.#model = { snapshot, events: happeningsOf(snapshot.events.events), connection: { kind: "live" }, heardAt: Date.now() };
  }

  /** Throws ClientError when there is no first snapshot. */
  static async start(parts: FeedParts): Promise<Feed> {
    const snapshot = await loadAll(parts.client, parts.question);
    const feed = new Feed(parts, snapshot);
    feed.#follow();
    feed.#pollLater();
    return feed;
  }

  get model(): Model {
    return this.#model;
  }

  get question(): Question {
    return this.#question;
  }

  ask(question: Question): void {
    this.#question = question;
    this.refresh(["history", "latency"]);
  }

  /** Asks for these parts now, or once the question under way is answered. */
  refresh(parts: readonly Part[]): void {
    for (const part of parts) this.#wanted.add(part);
    void this.#load();
  }

  /** Asks for these parts now; they are there afterwards, if the server answers. */
  async refreshed(parts: readonly Part[]): Promise<void> {
    try {
      const found = await load(this.#client, this.#question, parts);
      this.#model = { ...this.#model, snapshot: { ...this.#model.snapshot, ...found }, heardAt: Date.now() };
      this.#later();
    } catch (error) {
      // The event stream says by itself when the server is gone; what was wanted is wanted again once it is back.
      if (!(error instanceof ClientError) || !error.mayPass)
        this.#note({ type: "stream.fault", data: { message: error instanceof Error ? error.message : String(error) }, timestamp: null });
    }
  }

  close(): void {
    this.#stop.abort();
    if (this.#due !== null) clearTimeout(this.#due);
    if (this.#poll !== null) clearTimeout(this.#poll);
  }

  #follow(): void {
    const { signal } = this.#stop;
    const { epoch, seq } = this.#listed;
    const [oldest] = this.#model.snapshot.events.events;
    const since = oldest === undefined ? `${epoch}.${seq}` : `${epoch}.${Math.max(oldest.seq, seq - TAIL)}`;
    this.#client
      .follow(
        { types: HEARD, window: FLUSH_MS, since },
        {
          event: (event) => this.#take(event),
          open: () => {
            const wasLost = this.#model.connection.kind === "lost";
            this.#set({ connection: { kind: "live" }, heardAt: Date.now() });
            if (wasLost) this.refresh([...FAST_PARTS, ...SLOW_PARTS]);
          },
          lost: (error, retryInMs) => this.#lost(error, retryInMs),
          reset: () => {
            this.#note({ type: "stream.reset", data: { message: "events were missed; everything was loaded again" }, timestamp: null });
            this.refresh([...FAST_PARTS, ...SLOW_PARTS]);
          },
        },
        signal,
      )
      .catch((error: unknown) => {
        if (!signal.aborted) this.#set({ connection: { kind: "ended", message: error instanceof Error ? error.message : String(error) } });
      });
  }

  #lost(error: ClientError, retryInMs: number): void {
    const { connection, heardAt } = this.#model;
    const since = connection.kind === "lost" ? connection.since : heardAt;
    this.#set({ connection: { kind: "lost", since, retryAt: Date.now() + retryInMs, message: error.message } });
  }

  #take(event: FeedEvent): void {
    this.#model = { ...this.#model, heardAt: Date.now() };
    const { type, data } = event;
    if (type.startsWith("batch.")) this.#batch(event);
    else if (type === "queue.status") this.#queues(data);
    else if (type === "worker.stats") this.#worker(data);
    else if (type.startsWith("alert.")) this.#want("alerts", "overview");
    else if (type.startsWith("worker.") || type === "stream.paused" || type.startsWith("window.")) this.#want("overview");
    else if (type.startsWith("chunk.")) this.#want("failures");
    if (!QUIET.has(type) && !this.#isListed(event)) this.#note(event);
    this.#later();
  }

  #note(told: Told): void {
    this.#model = { ...this.#model, events: withTold(this.#model.events, told) };
    this.#later();
  }

  #isListed({ cursor }: FeedEvent): boolean {
    if (cursor === null) return false;
    const { epoch, seq } = cursorOf(cursor);
    return epoch === this.#listed.epoch && seq <= this.#listed.seq;
  }

  #batch(event: FeedEvent): void {
    const id = event.data["batch_id"];
    const change = batchChange(event);
    const patched = (batch: Batch): Batch => (batch.id === id ? withChange(batch, change) : batch);
    const { snapshot } = this.#model;
    const active = { ...snapshot.active, batches: snapshot.active.batches.map(patched) };
    const history = { ...snapshot.history, batches: snapshot.history.batches.map(patched) };
    this.#model = { ...this.#model, snapshot: { ...snapshot, active, history } };
    if (event.type !== "batch.progress") this.#want("active", "history", "overview", "stats");
    if (event.type === "batch.failed" || (typeof event.data["failed"] === "number" && event.data["failed"] > 0))
      this.#wanted.add("failures");
  }

  #queues(data: FeedEvent["data"]): void {
    const told = data["queues"];
    if (!Array.isArray(told)) return;
    const { snapshot } = this.#model;
    const news = new Map((told as { name: string; depth: number; running: number }[]).map((queue) => [queue.name, queue]));
    const queues = snapshot.queues.queues.map((queue) => {
      const now = news.get(queue.name);
      return now === undefined ? queue : { ...queue, depth: now.depth, running: now.running };
    });
    if (news.size !== queues.length) this.#want("queues");
    this.#model = { ...this.#model, snapshot: { ...snapshot, queues: { ...snapshot.queues, queues } } };
  }

  #worker(data: FeedEvent["data"]): void {
    const { worker, running } = data;
    if (typeof running !== "number") return;
    const { snapshot } = this.#model;
    const workers = snapshot.overview.workers.map((each) =>
      each.id === worker ? { ...each, running, status: running > 0 ? ("busy" as const) : ("idle" as const) } : each,
    );
    this.#model = { ...this.#model, snapshot: { ...snapshot, overview: { ...snapshot.overview, workers } } };
  }

  /** With the next flush: what changed is asked for once, however many events said so. */
  #want(...parts: Part[]): void {
    for (const part of parts) this.#wanted.add(part);
    this.#later();
  }

  async #load(): Promise<void> {
    if (this.#loading || this.#wanted.size === 0 || this.#stop.signal.aborted) return;
    this.#loading = true;
    const parts = [...this.#wanted];
    this.#wanted.clear();
    await this.refreshed(parts);
    this.#loading = false;
    if (this.#wanted.size > 0) this.#later();
  }

  #pollLater(): void {
    this.#poll = setTimeout(() => {
      this.#rounds += 1;
      if (this.#model.connection.kind === "live")
        this.refresh(this.#rounds % SLOW_FACTOR === 0 ? [...FAST_PARTS, ...SLOW_PARTS] : FAST_PARTS);
      this.#pollLater();
    }, this.#refreshMs);
  }

  #set(change: Partial<Model>): void {
    this.#model = { ...this.#model, ...change };
    this.#later();
  }

  #later(): void {
    if (this.#due !== null || this.#stop.signal.aborted) return;
    this.#due = setTimeout(
      () => {
        this.#due = null;
        this.#flushedAt = Date.now();
        if (this.#model.connection.kind === "live") void this.#load();
        this.#changed();
      },
      Math.max(0, this.#flushedAt + FLUSH_MS - Date.now()),
    );
  }
}

/** Of a position in the event log: `<epoch>.<seq>`. */
interface Cursor {
  readonly epoch: string;
  readonly seq: number;
}

function cursorOf(text: string): Cursor {
  const dot = text.lastIndexOf(".");
  return { epoch: text.slice(0, dot), seq: Number(text.slice(dot + 1)) };
}
