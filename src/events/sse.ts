import type { ServerResponse } from "node:http";
import type { Clock } from "../model/clock.ts";
import type { StoredEvent } from "../model/event.ts";
import { cursorText, type EventLog, parseCursor } from "./port.ts";

/**
 * Server-sent events out of the log.
 *
 *     open ── hello ──► replaying ──(caught up)──► live ──► closed
 *                          ▲   reads pages,          │  writes what the log hands over
 *                          │   waits for the reader  │
 *                          └──(too much came in)─────┘
 *
 * While replaying, new events are kept aside (`aside`), and joined by seq when the log has been read to its end: no gap, no
 * overlap. In every other mode `aside` is empty. The publisher never waits for a reader.
 */

const HEARTBEAT_MS = 15_000;
// What a stalled reader may cost; it resumes from its cursor.
const MAX_BUFFER_BYTES = 1024 * 1024;
const STALL_MS = 30_000;
const PAGE = 500;
// Past this many events kept aside it is cheaper to read them from the log again.
const MAX_ASIDE = 5_000;
const RETRY_MS = 1_000;

export interface StreamRequest {
  tenant: string;
  /** Only events of this batch. */
  batchId: string | null;
  /** Exact types, or `noun.*`; null = all. */
  types: readonly string[] | null;
  /** The cursor to go on from; null = from now on. */
  since: string | null;
  /** Where a client that cannot resume finds the present state. */
  snapshotUrl: string;
  headers: Record<string, string | number | string[]>;
  /** Asked at each heartbeat; false ends the stream. */
  stillHolds: () => Promise<boolean>;
}

export class EventStreams {
  private readonly log: EventLog;
  private readonly clock: Clock;
  private readonly streams = new Set<EventStream>();
  private droppedStreams = 0;

  constructor(options: { log: EventLog; clock: Clock }) {
    this.log = options.log;
    this.clock = options.clock;
  }

  /** Open streams, and those that were cut because their reader was too slow. */
  get counts(): { open: number; dropped: number } {
    return { open: this.streams.size, dropped: this.droppedStreams };
  }

  open(response: ServerResponse, request: StreamRequest): void {
    const stream = new EventStream(this.log, this.clock, response, request, (dropped) => {
      this.streams.delete(stream);
      if (dropped) this.droppedStreams += 1;
    });
    this.streams.add(stream);
    stream.start();
  }

  /** Says goodbye to every reader and ends; they come back after a second. */
  close(): void {
    // A set may lose members while it is walked.
    for (const stream of this.streams) stream.bye("shutdown");
  }
}

class EventStream {
  private readonly log: EventLog;
  private readonly clock: Clock;
  private readonly response: ServerResponse;
  private readonly request: StreamRequest;
  private readonly ended: (dropped: boolean) => void;
  private mode: "replaying" | "live" | "closed" = "replaying";
  /** Seq of the last event that was looked at. */
  private seen = 0;
  private aside: StoredEvent[] = [];
  private overflowed = false;
  private cancelStall: (() => void) | null = null;
  private cancelHeartbeat: () => void = () => undefined;
  private unsubscribe: () => void = () => undefined;

  constructor(log: EventLog, clock: Clock, response: ServerResponse, request: StreamRequest, ended: (dropped: boolean) => void) {
    this.log = log;
    this.clock = clock;
    this.response = response;
    this.request = request;
    this.ended = ended;
  }

  start(): void {
    const { response } = this;
    response.writeHead(200, {
      ...this.request.headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      connection: "keep-alive",
    });
    response.on("close", () => this.close(false));
    response.on("error", () => this.close(false));
    response.on("drain", () => {
      this.cancelStall?.();
      this.cancelStall = null;
    });
    this.unsubscribe = this.log.subscribe((events) => this.receive(events));
    this.beat();
    this.begin().catch(() => this.bye("error"));
  }

  bye(reason: string): void {
    if (this.mode === "closed") return;
    this.write(`retry: ${RETRY_MS}\n${this.frame("bye", { reason }, null)}`);
    this.response.end();
    this.close(false);
  }

  private async begin(): Promise<void> {
    const now = this.log.lastSeq();
    const from = await this.resumeFrom(now);
    this.seen = from ?? now;
    const cursor = cursorText(this.log.epoch(), this.seen);
    this.write(this.frame("stream.hello", { cursor, heartbeatSeconds: HEARTBEAT_MS / 1000 }, cursor));
    if (from === null) {
      this.write(this.frame("stream.reset", { snapshotUrl: this.request.snapshotUrl, cursor }, cursor));
    }
    await this.replay();
  }

  /** The seq to go on after; null when the log no longer has what follows the cursor. */
  private async resumeFrom(now: number): Promise<number | null> {
    if (this.request.since === null) return now;
    const cursor = parseCursor(this.request.since);
    if (cursor === null || cursor.epoch !== this.log.epoch() || cursor.seq > now) return null;
    const first = await this.log.firstSeq();
    const isKept = cursor.seq === now || (first > 0 && cursor.seq >= first - 1);
    return isKept ? cursor.seq : null;
  }

  private async replay(): Promise<void> {
    const { tenant, batchId } = this.request;
    const filter = batchId === null ? { tenant } : { tenant, entity: batchId };
    do {
      this.overflowed = false;
      let page: StoredEvent[];
      do {
        page = await this.log.read(this.seen, PAGE, filter);
        if (this.mode === "closed") return;
        this.pass(page);
        await this.drained();
        if (this.closed()) return;
      } while (page.length > 0);
    } while (this.overflowed);
    const aside = this.aside;
    this.aside = [];
    this.mode = "live";
    this.pass(aside);
  }

  private receive(events: StoredEvent[]): void {
    if (this.mode === "live") {
      this.pass(events);
    } else if (this.mode === "replaying") {
      if (this.aside.length + events.length > MAX_ASIDE) {
        this.aside = [];
        this.overflowed = true;
      } else if (!this.overflowed) this.aside.push(...events);
    }
  }

  private pass(events: readonly StoredEvent[]): void {
    let text = "";
    for (const event of events) {
      if (event.seq <= this.seen) continue;
      this.seen = event.seq;
      if (this.wants(event)) text += eventFrame(event);
    }
    if (text !== "") this.write(text);
  }

  private wants(event: StoredEvent): boolean {
    const { tenant, batchId, types } = this.request;
    if (event.tenant !== tenant) return false;
    if (batchId !== null && event.entity.id !== batchId) return false;
    return types === null || types.some((type) => (type.endsWith(".*") ? event.type.startsWith(type.slice(0, -1)) : event.type === type));
  }

  private beat(): void {
    this.cancelHeartbeat = this.clock.after(HEARTBEAT_MS, () => {
      void this.request.stillHolds().then((holds) => {
        if (this.mode === "closed") return;
        if (!holds) return this.bye("credential_ended");
        this.write(this.frame("heartbeat", {}, null));
        if (!this.closed()) this.beat();
      });
    });
  }

  private frame(type: string, data: Record<string, unknown>, id: string | null): string {
    const body = { type, data, timestamp: new Date(this.clock.now()).toISOString(), from: this.seen, to: this.seen };
    return `${id === null ? "" : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(body)}\n\n`;
  }

  private write(text: string): void {
    if (this.mode === "closed") return;
    const isTaken = this.response.write(text);
    if (isTaken) return;
    if (this.response.writableLength > MAX_BUFFER_BYTES) return this.drop();
    this.cancelStall ??= this.clock.after(STALL_MS, () => this.drop());
  }

  /** Resolves when the reader has taken what was written, or is gone. */
  private drained(): Promise<void> {
    const { response } = this;
    if (this.closed() || !response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        response.off("drain", done);
        response.off("close", done);
        resolve();
      };
      response.on("drain", done);
      response.on("close", done);
    });
  }

  private drop(): void {
    this.close(true);
    this.response.destroy();
  }

  private closed(): boolean {
    return this.mode === "closed";
  }

  private close(dropped: boolean): void {
    if (this.mode === "closed") return;
    this.mode = "closed";
    this.aside = [];
    this.unsubscribe();
    this.cancelHeartbeat();
    this.cancelStall?.();
    this.ended(dropped);
  }
}

/** One event is written once, however many read it. */
const frames = new WeakMap<StoredEvent, string>();

function eventFrame(event: StoredEvent): string {
  let frame = frames.get(event);
  if (frame === undefined) {
    const body = { type: event.type, data: event.data, timestamp: new Date(event.ts).toISOString(), from: event.seq, to: event.seq };
    frame = `id: ${cursorText(event.epoch, event.seq)}\nevent: ${event.type}\ndata: ${JSON.stringify(body)}\n\n`;
    frames.set(event, frame);
  }
  return frame;
}
