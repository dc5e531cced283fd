import { batchChange, ClientError, withChange, type Batch, type Client, type FeedEvent } from "../client/index.ts";
import { happeningsOf, LISTED_TYPES, withTold, type Happening, type Told } from "./happenings.ts";
import { behind, longer, moreAt, NO_OLDER, pageAt, type Older } from "./older.ts";
import { FAST_PARTS, load, loadAll, SLOW_PARTS, type Part, type Question, type Snapshot } from "./snapshot.ts";

/** How the program hears of the server. Times in Unix milliseconds. */
export type Connection =
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly since: number; readonly retryAt: number; readonly message: string }
  /** Another try cannot help: the credential is refused. */
  | { readonly kind: "ended"; readonly since: number; readonly message: string };

/** Everything the screen is drawn from. */
export interface Model {
  readonly snapshot: Snapshot;
  /** Behind the first page of `snapshot.history`. */
  readonly older: Older;
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
  /** Of the event stream alone: it ends where the screen goes on. */
  readonly #stream = new AbortController();
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
  #paging = false;

  private constructor(parts: FeedParts, snapshot: Snapshot) {
    this.#client = parts.client;
    this.#refreshMs = parts.refreshMs;
    this.#question = parts.question;
    this.#changed = parts.changed;
    this.#listed = cursorOf(snapshot.events.cursor);
    this.#model = {
      snapshot,
      older: NO_OLDER,
      events: happeningsOf(snapshot.events.events),
      connection: { kind: "live" },
      heardAt: Date.now(),
    };
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
    this.#model = { ...this.#model, older: NO_OLDER };
    this.refresh(["history", "latency"]);
  }

  /** Loads the next page of the list, unless there is none or it is on its way. */
  async more(): Promise<void> {
    const { snapshot, older } = this.#model;
    const from = moreAt(snapshot.history, older);
    if (this.#paging || from === null) return;
    this.#paging = true;
    const question = this.#question;
    try {
      const page = await pageAt(this.#client, question, from);
      const now = this.#model;
      // The list may have begun anew meanwhile: whoever comes to its end asks again.
      if (this.#question !== question || now.older.cursor !== older.cursor) return;
      const { history } = now.snapshot;
      this.#set({
        older: older.batches.length > 0 ? longer(now.older, page) : behind(page, snapshot.history, history, question),
      });
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#paging = false;
    }
  }

  /** Asks for these parts now, or once the question under way is answered. */
  refresh(parts: readonly Part[]): void {
    for (const part of parts) this.#wanted.add(part);
    void this.#load();
  }

  /** Asks for these parts now; they are there afterwards, if the server answers. */
  async refreshed(parts: readonly Part[]): Promise<void> {
    const question = this.#question;
    try {
      const found: Partial<Snapshot> = await load(this.#client, question, parts);
      const { snapshot, older } = this.#model;
      // Another question was asked meanwhile: its answer is on its way.
      const { history = snapshot.history, latency = snapshot.latency } = this.#question === question ? found : {};
      const kept = found.history === history ? behind(older, snapshot.history, history, question) : older;
      this.#set({ snapshot: { ...snapshot, ...found, history, latency }, older: kept, heardAt: Date.now() });
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (error instanceof ClientError && error.status === 401) return this.#end(error.message);
    // The event stream says by itself when the server is gone; what was wanted is wanted again once it is back.
    if (!(error instanceof ClientError) || !error.mayPass)
      this.#note({ type: "stream.fault", data: { message: error instanceof Error ? error.message : String(error) }, timestamp: null });
  }

  close(): void {
    this.#stop.abort();
    this.#stream.abort();
    if (this.#due !== null) clearTimeout(this.#due);
    if (this.#poll !== null) clearTimeout(this.#poll);
  }

  #follow(): void {
    const { signal } = this.#stream;
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
        if (!signal.aborted) this.#end(error instanceof Error ? error.message : String(error));
      });
  }

  /** Nothing is asked any more: who asks on with a credential that was revoked is taken for one who guesses. */
  #end(message: string): void {
    if (this.#stream.signal.aborted) return;
    this.#set({ connection: { kind: "ended", since: this.#model.heardAt, message } });
    this.#stream.abort();
    if (this.#poll !== null) clearTimeout(this.#poll);
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
    const older = { ...this.#model.older, batches: this.#model.older.batches.map(patched) };
    this.#model = { ...this.#model, snapshot: { ...snapshot, active, history }, older };
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
    if (this.#loading || this.#wanted.size === 0 || this.#stream.signal.aborted) return;
    this.#loading = true;
    const parts = [...this.#wanted];
    this.#wanted.clear();
    await this.refreshed(parts);
    this.#loading = false;
    if (this.#wanted.size > 0) this.#later();
  }

  #pollLater(): void {
    if (this.#stream.signal.aborted) return;
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
