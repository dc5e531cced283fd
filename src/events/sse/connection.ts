import type { ServerResponse } from "node:http";
import type { Clock } from "../../model/clock.ts";
import type { StoredEvent } from "../../model/event.ts";
import { sseText, tagOf, wants, writtenFrames, type Subscriber, type Wanted } from "./channel.ts";
import { bytesOf, frameRulesOf, MAX_FLUSH_BYTES } from "../frames/coalescer.ts";
import { framesOf } from "../frames/frame.ts";
import { cursorText, parseCursor, type EventLog, type FlushPart } from "../port.ts";
import type { Pace, StreamRequest } from "./stream-request.ts";

/**
 * One reader of the event stream.
 *
 *     open ── hello ──► replaying ──(caught up)──► live ──► closed
 *                          ▲   reads pages,          │  takes what its channel writes
 *                          │   waits for the reader  │
 *                          └──(too much came in)     │
 *     live, by what the reader has left unread:      │
 *          normal ──(64 KB)──► slow ──(256 KB)──► thin ──(1 MB, or 30 s without a drain)──► destroyed
 *             ▲──────(drained)───┘                  │
 *             └──────(drained; stream.reset)────────┘
 *
 * While replaying, new events are kept aside (`aside`) and joined by seq when the log has been read to its end: no gap, no
 * overlap. In every other mode `aside` is empty. The publisher never waits for a reader.
 */

const HEARTBEAT_MS = 15_000;
const SLOW_BYTES = 64 * 1024;
const THIN_BYTES = 256 * 1024;
// What a stalled reader may cost; it resumes from its cursor.
const MAX_BUFFER_BYTES = 1024 * 1024;
const STALL_MS = 30_000;
/** Old events that are held at once: at most so many, and of so many bytes or one. A stalled reader keeps no more than that. */
const PAGE = 500;
const FIRST_PAGE = 32;
const PAGE_BYTES = 256 * 1024;
// Past this much kept aside it is cheaper to read it from the log again.
const MAX_ASIDE = 1_000;
const MAX_ASIDE_BYTES = 256 * 1024;
const RETRY_MS = 1_000;

interface ConnectionParts {
  log: EventLog;
  clock: Clock;
  response: ServerResponse;
  request: StreamRequest;
  /** Everything up to the log's last seq is written: from here the channel goes on. */
  caughtUp(connection: EventConnection): void;
  /** The reader fell behind, or caught up again. */
  repace(connection: EventConnection, pace: Pace): void;
  wrote(frames: number): void;
  /** Bytes that wait in memory for the reader. */
  unread(bytes: number): void;
  ended(connection: EventConnection, dropped: boolean): void;
}

export class EventConnection implements Subscriber {
  readonly request: StreamRequest;
  pace: Pace = "normal";
  private readonly parts: ConnectionParts;
  private mode: "replaying" | "live" | "closed" = "replaying";
  /** While replaying: seq of the last event that was looked at. */
  private seen = 0;
  private aside: StoredEvent[] = [];
  private asideBytes = 0;
  private pageSize = FIRST_PAGE;
  private overflowed = false;
  private cancelStall: (() => void) | null = null;
  private cancelHeartbeat: () => void = () => undefined;

  constructor(parts: ConnectionParts) {
    this.parts = parts;
    this.request = parts.request;
  }

  get isClosed(): boolean {
    return this.mode === "closed";
  }

  /** Bytes that wait in memory for the reader. */
  get unread(): number {
    return this.parts.response.writableLength;
  }

  start(): void {
    const { response } = this.parts;
    response.writeHead(200, {
      ...this.request.headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      connection: "keep-alive",
    });
    response.on("close", () => this.close(false));
    response.on("error", () => this.close(false));
    response.on("drain", () => this.drainedNow());
    this.beat();
    this.begin().catch(() => this.bye("error"));
  }

  /** New events of the log while this reader still gets the old ones. */
  setAside(events: readonly StoredEvent[]): void {
    if (this.overflowed) return;
    for (const event of events) this.asideBytes += bytesOf(event);
    if (this.aside.length + events.length > MAX_ASIDE || this.asideBytes > MAX_ASIDE_BYTES) {
      this.takeAside();
      this.overflowed = true;
    } else this.aside.push(...events);
  }

  take(bytes: Buffer, frames: number): void {
    this.parts.wrote(frames);
    this.write(bytes);
  }

  /** Called between the two channels: what was wanted up to now is written. */
  changed(pace: Pace): void {
    const { log } = this.parts;
    const was = this.pace;
    this.pace = pace;
    const cursor = cursorText(log.epoch(), log.lastSeq());
    const body = { snapshotUrl: this.request.snapshotUrl, cursor };
    if (pace === "thin") this.write(this.frame("stream.degraded", body, null));
    // What was left out is not sent again: the snapshot has it.
    else if (was === "thin") this.write(this.frame("stream.reset", body, cursor));
  }

  bye(reason: string): void {
    if (this.isClosed) return;
    this.write(`retry: ${RETRY_MS}\n${this.frame("bye", { reason }, null)}`);
    this.parts.response.end();
    this.close(false);
  }

  private async begin(): Promise<void> {
    const { log } = this.parts;
    const now = log.lastSeq();
    const from = await this.resumeFrom(now);
    this.seen = from?.seq ?? now;
    const cursor = from === null ? cursorText(log.epoch(), now) : (this.request.since ?? cursorText(log.epoch(), now));
    this.write(this.frame("stream.hello", { cursor, heartbeatSeconds: HEARTBEAT_MS / 1000 }, cursor));
    if (from === null) this.write(this.frame("stream.reset", { snapshotUrl: this.request.snapshotUrl, cursor }, cursor));
    else if (from.part !== null) await this.finishFlush(from.part);
    await this.replay();
  }

  /** The position to go on from; null when the log no longer has what follows the cursor. */
  private async resumeFrom(now: number): Promise<{ seq: number; part: FlushPart | null } | null> {
    const { log } = this.parts;
    if (this.request.since === null) return { seq: now, part: null };
    const cursor = parseCursor(this.request.since);
    if (cursor === null || cursor.epoch !== log.epoch() || (cursor.part?.end ?? cursor.seq) > now) return null;
    const first = await log.firstSeq();
    const isKept = cursor.seq === now || (first > 0 && cursor.seq >= first - 1);
    return isKept ? { seq: cursor.seq, part: cursor.part } : null;
  }

  /** The frames of a flush that the reader did not get; all of them when it asks for other frames now. */
  private async finishFlush(part: FlushPart): Promise<void> {
    if (part.tag !== tagOf(this.wanted)) return;
    const events: StoredEvent[] = [];
    let bytes = 0;
    for (let after = this.seen; after < part.end;) {
      const page = await this.parts.log.read(after, PAGE, this.logFilter);
      for (const event of page) {
        if (event.seq > part.end || !wants(this.wanted, event)) continue;
        events.push(event);
        bytes += bytesOf(event);
      }
      // No flush is as large: whoever made this cursor up gets everything after its seq.
      if (bytes > MAX_FLUSH_BYTES && events.length > 1) return;
      after = page.at(-1)?.seq ?? part.end;
    }
    // Of fewer events other frames are made.
    if (await this.isTrimmed()) return;
    if (events.length > 0) await this.sendFlush(events, part.frames);
    this.seen = part.end;
  }

  private async replay(): Promise<void> {
    do {
      this.overflowed = false;
      let page: StoredEvent[];
      do {
        page = await this.oldEvents();
        if (await this.isTrimmed()) {
          page = [];
          this.resetHere();
        }
        await this.sendOld(page);
        if (this.isClosed) return;
      } while (page.length > 0);
      // Nothing is awaited between the last event kept aside and the channel.
      if (!this.overflowed && this.aside.length > 0) {
        await this.sendOld(this.takeAside().filter((event) => event.seq > this.seen));
        if (this.isClosed) return;
      }
    } while (this.overflowed || this.aside.length > 0);
    this.mode = "live";
    this.parts.caughtUp(this);
  }

  private takeAside(): StoredEvent[] {
    const { aside } = this;
    this.aside = [];
    this.asideBytes = 0;
    return aside;
  }

  /** The next page of the log, smaller the larger its events are. */
  private async oldEvents(): Promise<StoredEvent[]> {
    const page = await this.parts.log.read(this.seen, this.pageSize, this.logFilter);
    let bytes = 0;
    const end = page.findIndex((event) => (bytes += bytesOf(event)) > PAGE_BYTES);
    if (end < 0) {
      if (bytes < PAGE_BYTES / 2) this.pageSize = Math.min(PAGE, 2 * this.pageSize);
      return page;
    }
    const kept = page.slice(0, Math.max(1, end));
    this.pageSize = kept.length;
    return kept;
  }

  /** The log may lose its oldest events while a slow reader is still among them. */
  private async isTrimmed(): Promise<boolean> {
    return (await this.parts.log.firstSeq()) > this.seen + 1;
  }

  /** Events are lost to this reader: it goes on from here, and the snapshot has the rest. */
  private resetHere(): void {
    const { log } = this.parts;
    this.seen = log.lastSeq();
    const cursor = cursorText(log.epoch(), this.seen);
    this.write(this.frame("stream.reset", { snapshotUrl: this.request.snapshotUrl, cursor }, cursor));
  }

  /** Frames of events that were there before, at the pace of the reader. */
  private async sendOld(events: readonly StoredEvent[]): Promise<void> {
    const last = events.at(-1)?.seq ?? this.seen;
    const wanted = events.filter((event) => wants(this.wanted, event));
    for (const part of parted(wanted)) {
      await this.sendFlush(part, 0);
      if (this.isClosed) return;
    }
    this.seen = last;
  }

  private async sendFlush(events: readonly StoredEvent[], skip: number): Promise<void> {
    const end = events.at(-1)!.seq;
    const frames = framesOf(events, frameRulesOf(this.request.policy));
    const written = writtenFrames(
      { base: this.seen, end, frames, events: events.length, urgent: false },
      { epoch: this.parts.log.epoch(), tag: tagOf(this.wanted), dialect: this.request.dialect, ids: true },
    );
    this.seen = end;
    for (const { text } of written.slice(skip)) {
      this.parts.wrote(1);
      this.write(text);
      if (this.parts.response.writableLength > SLOW_BYTES) await this.drained();
      if (this.isClosed) return;
    }
  }

  private get wanted(): Wanted {
    return { ...this.request, thin: false };
  }

  private get logFilter(): { tenant: string; entity?: string } {
    const { tenant, batchId } = this.request;
    return batchId === null ? { tenant } : { tenant, entity: batchId };
  }

  private beat(): void {
    this.cancelHeartbeat = this.parts.clock.after(HEARTBEAT_MS, () => {
      void this.request.stillHolds().then((holds) => {
        if (this.isClosed) return;
        if (!holds) return this.bye("credential_ended");
        this.write(this.frame("heartbeat", {}, null));
        if (!this.isClosed) this.beat();
      });
    });
  }

  private frame(type: string, data: Record<string, unknown>, id: string | null): string {
    const { clock, log } = this.parts;
    const at = this.mode === "live" ? log.lastSeq() : this.seen;
    return sseText(type, { type, data, timestamp: new Date(clock.now()).toISOString(), from: at, to: at }, id);
  }

  private write(frames: string | Buffer): void {
    if (this.isClosed) return;
    const { response, clock } = this.parts;
    if (response.write(frames)) return;
    this.cancelStall ??= clock.after(STALL_MS, () => this.drop());
    const { unread } = this;
    this.parts.unread(unread);
    // Old events are sent no faster than they are read, so what is unread then is one frame.
    if (this.mode !== "live") return;
    if (unread > MAX_BUFFER_BYTES) this.drop();
    else if (unread > SLOW_BYTES) {
      const pace = unread > THIN_BYTES || this.pace === "thin" ? "thin" : "slow";
      if (pace !== this.pace) this.parts.repace(this, pace);
    }
  }

  private drainedNow(): void {
    this.cancelStall?.();
    this.cancelStall = null;
    if (this.mode === "live" && this.pace !== "normal") this.parts.repace(this, "normal");
  }

  /** Resolves when the reader has taken what was written, or is gone. */
  private drained(): Promise<void> {
    const { response } = this.parts;
    if (this.isClosed || !response.writableNeedDrain) return Promise.resolve();
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
    this.parts.response.destroy();
  }

  private close(dropped: boolean): void {
    if (this.isClosed) return;
    this.mode = "closed";
    this.takeAside();
    this.cancelHeartbeat();
    this.cancelStall?.();
    this.parts.ended(this, dropped);
  }
}

/** In order, each part of at most MAX_FLUSH_BYTES or one event. */
function parted(events: readonly StoredEvent[]): StoredEvent[][] {
  const parts: StoredEvent[][] = [];
  let room = 0;
  for (const event of events) {
    const bytes = bytesOf(event);
    if (parts.length === 0 || bytes > room) {
      parts.push([]);
      room = MAX_FLUSH_BYTES;
    }
    parts.at(-1)!.push(event);
    room -= bytes;
  }
  return parts;
}
