import { createHash } from "node:crypto";
import type { Clock } from "../../model/clock.ts";
import type { StoredEvent } from "../../model/event.ts";
import { classOf } from "../catalogue.ts";
import { Coalescer, type CoalescePolicy, type Flush } from "../frames/coalescer.ts";
import type { DeliveryCheck } from "../frames/delivery-check.ts";
import { wireFrame, type Dialect } from "../frames/frame.ts";
import { isOfTypes } from "../reading.ts";
import type { DeliveryDelays } from "../frames/delivery-delays.ts";
import { PacedWriter } from "../frames/paced-writer.ts";
import { cursorText, partCursorText } from "../port.ts";

/** What a connection wants to see, and how: connections that want the same share one channel. */
export interface Wanted {
  tenant: string;
  /** Only events of this batch. */
  batchId: string | null;
  /** Only events of this stream. */
  stream: string | null;
  /** Exact types, or `noun.*`; null = all. */
  types: readonly string[] | null;
  policy: CoalescePolicy;
  dialect: Dialect;
  /** Only what a reader who cannot keep up must not miss: latest, critical and durable events. Its frames have no ids. */
  thin: boolean;
}

export function wants(wanted: Wanted, event: StoredEvent): boolean {
  const { tenant, batchId, stream, types, thin } = wanted;
  if (event.tenant !== tenant) return false;
  if (batchId !== null && event.entity.id !== batchId) return false;
  if (stream !== null && event.data["stream"] !== stream && !(event.entity.kind === "stream" && event.entity.id === stream)) return false;
  if (thin && !["latest", "critical", "durable"].includes(classOf(event.type))) return false;
  return types === null || isOfTypes(types, event.type);
}

/** Equal for two that get the same frames of the same events. */
export function keyOf(wanted: Wanted): string {
  const { tenant, batchId, stream, types, policy, dialect, thin } = wanted;
  return JSON.stringify([
    tenant,
    batchId,
    stream,
    types?.toSorted() ?? null,
    policy.kind,
    policy.windowMs,
    policy.maxEvents,
    dialect,
    thin,
  ]);
}

/** Tells cursors within a flush apart that other frames were made for. The window does not matter: a flush says where it ends. */
export function tagOf(wanted: Wanted): string {
  const { batchId, stream, types, policy } = wanted;
  const text = JSON.stringify([batchId, stream, types?.toSorted() ?? null, policy.kind, policy.maxEvents]);
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

export interface WrittenFrame {
  text: string;
  events: number;
}

/**
 * The frames of a flush as server-sent events. The id of each is where to go on after it: the seq up to which everything was
 * sent or, while frames of interleaved events are still to come, the position within the flush.
 */
export function writtenFrames(
  flush: Flush,
  to: { epoch: string; tag: string; dialect: Dialect; ids: boolean },
  check?: DeliveryCheck,
): WrittenFrame[] {
  const wired = flush.frames.map((frame) => wireFrame(frame, to.dialect));
  for (const [at, frame] of wired.entries()) check?.wired(flush.frames[at]!.events, frame, to.dialect);
  const nextFrom: number[] = [];
  for (let at = wired.length - 1, least = Infinity; at >= 0; at--) {
    nextFrom[at] = least;
    least = Math.min(least, wired[at]!.from);
  }
  let base = flush.base;
  let reached = flush.base;
  let since = 0;
  return wired.map((frame, at) => {
    reached = Math.max(reached, frame.to);
    since += 1;
    let id: string;
    const isLast = at === wired.length - 1;
    if (isLast || reached < nextFrom[at]!) {
      base = isLast ? flush.end : reached;
      since = 0;
      id = cursorText(to.epoch, base);
    } else id = partCursorText(to.epoch, base, { end: flush.end, frames: since, tag: to.tag });
    return { text: sseText(frame.type, frame, to.ids ? id : null), events: flush.frames[at]!.events.length };
  });
}

export function sseText(type: string, body: object, id: string | null): string {
  return `${id === null ? "" : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(body)}\n\n`;
}

export interface Subscriber {
  /** Whole frames, so many, encoded once for all. */
  take(bytes: Buffer, frames: number): void;
}

export interface ChannelCounts {
  /** Events that went out within a frame of several. */
  batched: number;
  /** Frames of several. */
  merged: number;
  /** Wanted events, and the frames that were made of them. */
  events: number;
  frames: number;
}

/** One filter and one policy: coalesced and encoded once, written to every subscriber. */
export class Channel {
  readonly key: string;
  readonly wanted: Wanted;
  readonly subscribers = new Set<Subscriber>();
  private readonly coalescer: Coalescer;
  private readonly writer: PacedWriter<{ bytes: Buffer; flush: Flush }>;
  /** Wanted events that have not been sent. */
  private due = 0;
  private sentUpTo = 0;
  private readonly check: DeliveryCheck;

  constructor(options: {
    wanted: Wanted;
    clock: Clock;
    epoch: string;
    position: number;
    counts: ChannelCounts;
    delays: DeliveryDelays;
    check: DeliveryCheck;
    /** Runs a write to all subscribers: none of them changes its channel within it, for what waits here would overtake. */
    fanOut: (write: () => void) => void;
  }) {
    const { wanted, clock, epoch, position, counts, delays, check, fanOut } = options;
    this.wanted = wanted;
    this.check = check;
    this.key = keyOf(wanted);
    const tag = tagOf(wanted);
    this.writer = new PacedWriter({
      clock,
      write: (pieces) => {
        const bytes = pieces.length === 1 ? pieces[0]!.bytes : Buffer.concat(pieces.map((piece) => piece.bytes));
        const frames = pieces.reduce((sum, { flush }) => sum + flush.frames.length, 0);
        fanOut(() => {
          for (const subscriber of this.subscribers) subscriber.take(bytes, frames);
          for (const { flush } of pieces) {
            delays.record(flush.frames);
            check.written(flush, clock.now() - wanted.policy.windowMs);
          }
        });
      },
    });
    this.coalescer = new Coalescer({
      policy: wanted.policy,
      clock,
      position,
      sent: (flush) => {
        check.flushed(flush, this.sentUpTo);
        this.due -= flush.events;
        this.sentUpTo = flush.end;
        const written = writtenFrames(flush, { epoch, tag, dialect: wanted.dialect, ids: !wanted.thin }, check);
        counts.events += flush.events;
        counts.frames += written.length;
        for (const frame of written.filter(({ events }) => events > 1)) {
          counts.merged += 1;
          counts.batched += frame.events;
        }
        const bytes = Buffer.from(written.map(({ text }) => text).join(""));
        this.writer.push({ bytes, flush }, bytes.length, flush.urgent);
      },
    });
  }

  get pending(): number {
    return this.coalescer.pending;
  }

  receive(events: readonly StoredEvent[]): void {
    const wanted = events.filter((event) => wants(this.wanted, event));
    if (wanted.length === 0) return;
    this.due += wanted.length;
    this.coalescer.add(wanted);
    this.check.unaccounted(this.due - this.coalescer.pending);
    this.due = this.coalescer.pending;
  }

  /** Everything up to now is written when this returns. */
  flush(): void {
    this.coalescer.flush();
    this.writer.flush();
  }

  close(): void {
    this.coalescer.close();
    this.writer.close();
  }
}
