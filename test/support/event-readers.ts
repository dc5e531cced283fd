import { get, type IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { createClient, type Client } from "../../src/client/index.ts";
import { FrameParser, type Frame } from "../../src/client/sse.ts";
import { partType, unmergeData } from "../../src/model/merged-event.ts";

/** Readers of the events of a server whose connections are cut. Each folds what it hears; `faults` says what was wrong with it. */

/** How a batch stands, as far as a reader was told. */
export interface Standing {
  status: string;
  progress: number;
  processed?: number | undefined;
  failed?: number | undefined;
}

export interface Reader {
  readonly name: string;
  readonly faults: string[];
  /** Its connections so far. */
  readonly connections: number;
  standing(batchId: string): Standing | undefined;
  close(): void;
}

const FINAL = new Set(["completed", "failed", "cancelled", "expired"]);
/** Pauses before a new connection are this much shorter than those of a real client. */
const HASTE = 20;
const RETRY_MS = 50;

export interface HeardEvent {
  type: string;
  data: Record<string, unknown>;
}

/** Server-sent events over `Last-Event-ID`, each frame looked at: ids grow, nothing is repeated, nothing is left out. */
export class RawReader implements Reader {
  readonly name: string;
  readonly faults: string[] = [];
  readonly heard: HeardEvent[] = [];
  /** Seqs in order, of frames that hold one event. */
  readonly seqs: number[] = [];
  connections = 0;
  cursor: string;
  private readonly standings = new Map<string, Standing>();
  private readonly ended = new Set<string>();
  private readonly url: string;
  private readonly token: string;
  private request: ReturnType<typeof get> | null = null;
  private isClosed = false;

  constructor(options: { name: string; url: string; token: string; query: string; since: string }) {
    this.name = options.name;
    this.url = `${options.url}/api/events${options.query}`;
    this.token = options.token;
    this.cursor = options.since;
    void this.follow();
  }

  standing(batchId: string): Standing | undefined {
    return this.standings.get(batchId);
  }

  /** The seq up to which everything was read. */
  get reached(): number {
    return Number(this.cursor.split(".")[1]);
  }

  close(): void {
    this.isClosed = true;
    this.request?.destroy();
  }

  private async follow(): Promise<void> {
    while (!this.isClosed) {
      await this.connect();
      await pause(RETRY_MS);
    }
  }

  private connect(): Promise<void> {
    return new Promise((resolve) => {
      const headers = { authorization: `Bearer ${this.token}`, "last-event-id": this.cursor };
      this.request = get(this.url, { headers, agent: false }, (response) => this.read(response, resolve));
      this.request.on("error", () => resolve());
    });
  }

  private read(response: IncomingMessage, ended: () => void): void {
    if (response.statusCode !== 200) {
      // 503: the server is stopping.
      if (response.statusCode !== 503) this.faults.push(`${this.name}: answered with ${response.statusCode}`);
      response.on("error", () => undefined);
      response.on("close", ended);
      return void response.resume();
    }
    this.connections += 1;
    const parser = new FrameParser();
    let last = { text: this.cursor, seq: this.reached };
    response.setEncoding("utf8");
    response.on("error", () => undefined);
    response.on("close", ended);
    response.on("data", (text: string) => {
      for (const frame of parser.push(text)) {
        this.take(frame);
        if (frame.id === null || frame.event.startsWith("stream.")) continue;
        const seq = this.reached;
        if (seq < last.seq || frame.id === last.text) this.faults.push(`${this.name}: ${frame.id} came after ${last.text}`);
        last = { text: frame.id, seq };
      }
    });
  }

  private take(frame: Frame): void {
    if (frame.event === "stream.reset") this.faults.push(`${this.name}: reset at ${this.cursor}`);
    if (frame.event.startsWith("stream.") || frame.event === "heartbeat" || frame.event === "bye" || frame.data === "") return;
    if (frame.id === null) this.faults.push(`${this.name}: a ${frame.event} without an id`);
    this.cursor = frame.id ?? this.cursor;
    const body = JSON.parse(frame.data) as { data: Record<string, unknown>; from: number; to: number };
    const part = partType(frame.event);
    if (part === null) this.seqs.push(body.from);
    for (const data of part === null ? [body.data] : unmergeData(body.data)) {
      const type = part ?? frame.event;
      this.heard.push({ type, data });
      const id = data["batch_id"];
      if (!type.startsWith("batch.") || typeof id !== "string") continue;
      const status = data["status"] as string;
      if (this.ended.has(id)) this.faults.push(`${this.name}: ${type} of ${id} after its end`);
      if (FINAL.has(type.slice("batch.".length))) this.ended.add(id);
      this.standings.set(id, {
        status,
        progress: FINAL.has(status) ? 100 : 0,
        processed: data["processed"] as number,
        failed: data["failed"] as number,
      });
    }
  }
}

/** `client.on` of batchyard/client, and `client.watch` of every batch it hears of. */
export class ClientReader implements Reader {
  readonly name: string;
  readonly faults: string[] = [];
  connections = 0;
  /** Resolves when its stream is open for the first time: batches created from now on are its own. */
  readonly opened: Promise<void>;
  private readonly client: Client;
  private readonly standings = new Map<string, Standing>();
  private readonly finals = new Map<string, number>();
  private readonly created = new Set<string>();
  private readonly watched = new Map<string, Standing>();
  private readonly stopWatching = new AbortController();
  readonly watches: boolean;

  constructor(options: { name: string; url: string; token: string; watches: boolean }) {
    const { name, url, token } = options;
    this.name = name;
    this.watches = options.watches;
    this.client = createClient({ url, token, wait: (ms, signal) => pause(ms / HASTE, undefined, { signal }).catch(() => undefined) });
    this.opened = new Promise((resolve) => {
      this.client.on("connection:open", () => {
        this.connections += 1;
        resolve();
      });
    });
    this.client.on("connection:reset", () => this.faults.push(`${name}: reset`));
    this.client.on("batch:error", (error) => this.faults.push(`${name}: ${error.code} ${error.message}`));
    this.client.on("batch:created", (batch) => {
      if (this.created.has(batch.id)) this.faults.push(`${name}: ${batch.id} was created twice`);
      this.created.add(batch.id);
      this.moved(batch.id, {
        status: batch.status,
        progress: batch.progress,
        processed: batch.processed_items,
        failed: batch.failed_items,
      });
      if (this.watches) void this.watch(batch.id);
    });
    this.client.on("batch:progress", ({ batchId, status, progress, processed, failed }) =>
      this.moved(batchId, { status, progress, processed: processed ?? undefined, failed: failed ?? undefined }),
    );
    for (const status of ["completed", "failed", "cancelled", "expired"] as const)
      this.client.on(`batch:${status}`, ({ batchId }) => {
        const times = (this.finals.get(batchId) ?? 0) + 1;
        this.finals.set(batchId, times);
        if (times > 1) this.faults.push(`${name}: the end of ${batchId} was told ${times} times`);
      });
  }

  standing(batchId: string): Standing | undefined {
    return this.created.has(batchId) && (this.finals.get(batchId) ?? 0) > 0 ? this.standings.get(batchId) : undefined;
  }

  watchedStanding(batchId: string): Standing | undefined {
    return this.watched.get(batchId);
  }

  close(): void {
    this.stopWatching.abort();
    this.client.close();
  }

  private moved(id: string, to: Standing): void {
    const was = this.standings.get(id);
    if (!this.created.has(id)) this.faults.push(`${this.name}: ${id} moved before it was created`);
    if (was !== undefined && ((was.processed ?? 0) > (to.processed ?? 0) || (FINAL.has(was.status) && was.status !== to.status)))
      this.faults.push(`${this.name}: ${id} went from ${JSON.stringify(was)} back to ${JSON.stringify(to)}`);
    this.standings.set(id, to);
  }

  private async watch(id: string): Promise<void> {
    const { signal } = this.stopWatching;
    while (!signal.aborted) {
      try {
        let processed = 0;
        for await (const progress of this.client.watch(id, { signal })) {
          if (progress.processed < processed)
            this.faults.push(`${this.name}: the watch of ${id} went from ${processed} back to ${progress.processed}`);
          processed = progress.processed;
          if (FINAL.has(progress.status)) this.watched.set(id, progress);
        }
        return;
      } catch {
        // Its first look at the batch found no server.
        await pause(RETRY_MS);
      }
    }
  }
}

/** Socket.IO is at most once: whoever connects again reads how everything stands, and goes on from there. */
export class SocketReader implements Reader {
  readonly name: string;
  readonly faults: string[] = [];
  connections = 0;
  private readonly socket: Socket;
  private readonly client: Client;
  private readonly standings = new Map<string, Standing>();
  /** The last progress of each batch over this connection. */
  private readonly order = new Map<string, number>();
  /** What was heard since the welcome, while the snapshot is on its way. */
  private early: [string, Standing][] | null = [];

  constructor(options: { name: string; url: string; token: string }) {
    this.name = options.name;
    this.client = createClient({ url: options.url, token: options.token });
    this.socket = io(options.url, {
      transports: ["websocket"],
      auth: { token: options.token },
      forceNew: true,
      reconnectionDelay: RETRY_MS,
      reconnectionDelayMax: 4 * RETRY_MS,
    });
    this.socket.on("welcome", () => void this.welcomed());
    this.socket.on("disconnect", (reason) => {
      // A server that stops says so, and comes back.
      if (reason === "io server disconnect") this.socket.connect();
    });
    this.socket.on("batch:created", (batch: { id: string; status: string; progress: number }) => this.heard(batch.id, batch));
    this.socket.on("batch:progress", ({ batchId, status, progress }: { batchId: string; status: string; progress: number }) =>
      this.heard(batchId, { status, progress }),
    );
    for (const status of ["completed", "failed", "cancelled", "expired"])
      this.socket.on(`batch:${status}`, ({ batchId }: { batchId: string }) => this.heard(batchId, { status, progress: 100 }));
  }

  standing(batchId: string): Standing | undefined {
    return this.standings.get(batchId);
  }

  close(): void {
    this.socket.disconnect();
  }

  private async welcomed(): Promise<void> {
    this.connections += 1;
    const connection = this.connections;
    this.early = [];
    this.order.clear();
    for (;;) {
      try {
        const loaded: [string, Standing][] = [];
        for (let cursor: string | undefined; ;) {
          const page = await this.client.history(cursor === undefined ? { limit: 100 } : { limit: 100, cursor });
          for (const { id, status, progress } of page.batches) loaded.push([id, { status, progress }]);
          if (page.nextCursor === null) break;
          cursor = page.nextCursor;
        }
        if (connection !== this.connections) return;
        for (const [id, standing] of [...loaded, ...(this.early ?? [])]) this.fold(id, standing);
        this.early = null;
        return;
      } catch {
        await pause(RETRY_MS);
        if (connection !== this.connections || !this.socket.connected) return;
      }
    }
  }

  private heard(id: string, { status, progress }: Standing): void {
    const was = this.order.get(id) ?? 0;
    if (progress < was) this.faults.push(`${this.name}: ${id} went from ${was} % back to ${progress} %`);
    this.order.set(id, progress);
    if (this.early !== null) this.early.push([id, { status, progress }]);
    else this.fold(id, { status, progress });
  }

  /** A snapshot may be ahead of the events that follow it. */
  private fold(id: string, standing: Standing): void {
    const was = this.standings.get(id);
    if (was === undefined || standing.progress >= was.progress) this.standings.set(id, standing);
  }
}
