import type { ServerResponse } from "node:http";
import type { Clock } from "../../model/clock.ts";
import type { StoredEvent } from "../../model/event.ts";
import { Channel, keyOf, sseText, type ChannelCounts, type Wanted } from "./channel.ts";
import { EventConnection } from "./connection.ts";
import { DeliveryCheck, type DeliveryHealth } from "../frames/delivery-check.ts";
import type { CoalescePolicy } from "../frames/coalescer.ts";
import { DeliveryDelays } from "../frames/delivery-delays.ts";
import { wireFrame, type Dialect } from "../frames/frame.ts";
import { gaugesAmong, type Gauge, type Gauges } from "../rates/gauges.ts";
import type { EventLog } from "../port.ts";
import { RateMeter } from "../rates/rate-meter.ts";
import type { Pace, StreamRequest } from "./stream-request.ts";

const SLOW_WINDOW_MS = 1_000;

interface BatchCounts {
  events_batched: number;
  batches_created: number;
  events_saved: number;
  batches_failed: number;
  pending_events: number;
}

export type StreamStatistics = BatchCounts & { [N in keyof BatchCounts as `batcher_${N}`]: number } & {
  connections: {
    open: number;
    slow: number;
    degraded: number;
    dropped: number;
    /** Waiting in memory for readers: now for all of them, and the most that ever waited for one. */
    unread_bytes: number;
    most_unread_bytes: number;
  };
  channels: number;
  /** Wanted events and the frames they became, each counted once however many read them; frames written, to all readers. */
  events: number;
  frames: number;
  frames_written: number;
  /** Means of the last ten seconds. */
  events_per_second: number;
  frames_per_second: number;
  sse_events_per_second: number;
  delivery_ms: { p50: number | null; p99: number | null };
  health: DeliveryHealth;
};

/**
 * Server-sent events out of the log. Connections that want the same share a channel: a thousand readers of one dashboard cost
 * one coalescer, and every frame is encoded once.
 *
 * A page of the log is given to every channel before a connection changes its channel; then both channels are flushed, so that
 * it leaves the one exactly where it enters the other.
 */
export class EventStreams {
  private readonly log: EventLog;
  private readonly clock: Clock;
  private readonly gauges: Gauges;
  private readonly connections = new Set<EventConnection>();
  private readonly replaying = new Set<EventConnection>();
  private readonly channels = new Map<string, Channel>();
  private readonly tallies: ChannelCounts = { batched: 0, merged: 0, events: 0, frames: 0 };
  private readonly eventRate: RateMeter;
  private readonly frameRate: RateMeter;
  private readonly writtenRate: RateMeter;
  private readonly delays: DeliveryDelays;
  private written = 0;
  private droppedStreams = 0;
  private mostUnread = 0;
  private readonly check = new DeliveryCheck();
  private readonly moves = new Map<EventConnection, Pace>();
  /** Channels are at different positions, subscribers of one are, or connections are between two of them. */
  private dispatching = false;
  private unsubscribe: (() => void) | null = null;

  constructor(options: { log: EventLog; clock: Clock; gauges: Gauges }) {
    this.gauges = options.gauges;
    this.log = options.log;
    this.clock = options.clock;
    this.eventRate = new RateMeter(options.clock);
    this.frameRate = new RateMeter(options.clock);
    this.writtenRate = new RateMeter(options.clock);
    this.delays = new DeliveryDelays(options.clock);
  }

  /** Open streams, and those that were cut because their reader was too slow. */
  get counts(): { open: number; dropped: number } {
    return { open: this.connections.size, dropped: this.droppedStreams };
  }

  statistics(): StreamStatistics {
    const { tallies } = this;
    const at = (pace: Pace): number => [...this.connections].filter((connection) => connection.pace === pace).length;
    const counts: BatchCounts = {
      events_batched: tallies.batched,
      batches_created: tallies.merged,
      events_saved: tallies.events - tallies.frames,
      batches_failed: this.droppedStreams,
      pending_events: [...this.channels.values()].reduce((sum, channel) => sum + channel.pending, 0),
    };
    const prefixed = Object.fromEntries(Object.entries(counts).map(([name, value]) => [`batcher_${name}`, value]));
    return {
      ...counts,
      ...(prefixed as { [N in keyof BatchCounts as `batcher_${N}`]: number }),
      connections: {
        open: this.connections.size,
        slow: at("slow"),
        degraded: at("thin"),
        dropped: this.droppedStreams,
        unread_bytes: [...this.connections].reduce((sum, { unread }) => sum + unread, 0),
        most_unread_bytes: this.mostUnread,
      },
      channels: this.channels.size,
      events: tallies.events,
      frames: tallies.frames,
      frames_written: this.written,
      events_per_second: this.eventRate.perSecond(),
      frames_per_second: this.frameRate.perSecond(),
      sse_events_per_second: this.writtenRate.perSecond(),
      delivery_ms: this.delays.percentiles(),
      health: this.check.health(),
    };
  }

  open(response: ServerResponse, request: StreamRequest): void {
    this.unsubscribe ??= this.log.subscribe((events) => this.dispatch(events));
    let unwatch: () => void = () => undefined;
    const connection: EventConnection = new EventConnection({
      log: this.log,
      clock: this.clock,
      response,
      request,
      caughtUp: (caughtUp) => {
        this.replaying.delete(caughtUp);
        this.enter(caughtUp, caughtUp.pace);
      },
      repace: (changed, pace) => {
        this.moves.set(changed, pace);
        this.settle();
      },
      wrote: (frames) => {
        this.written += 1;
        this.writtenRate.add(frames);
      },
      unread: (bytes) => {
        this.mostUnread = Math.max(this.mostUnread, bytes);
      },
      ended: (gone, dropped) => {
        this.leave(gone);
        this.replaying.delete(gone);
        this.connections.delete(gone);
        this.moves.delete(gone);
        unwatch();
        if (dropped) this.droppedStreams += 1;
      },
    });
    this.connections.add(connection);
    this.replaying.add(connection);
    connection.start();
    const types = request.batchId === null ? gaugesAmong(request.types) : [];
    if (types.length === 0 || connection.isClosed) return;
    unwatch = this.gauges.watch(request.tenant, types, (gauge, at) => {
      if (request.stream === null || gauge.data["stream"] === request.stream) connection.take(this.gaugeFrame(gauge, at, request), 1);
    });
  }

  /** The constants of the classic policy changed: whoever reads by them goes on by the new ones, with what waits sent first. */
  classicChanged(policy: CoalescePolicy): void {
    this.dispatching = true;
    for (const connection of [...this.connections].filter(({ request }) => request.followsClassic)) {
      const isLive = this.channelOf(connection) !== undefined;
      if (isLive) this.leave(connection);
      connection.request.policy = policy;
      if (isLive && !connection.isClosed) this.enter(connection, connection.pace);
    }
    this.dispatching = false;
    this.settle();
  }

  /** Says goodbye to every reader and ends; what waits is sent first. They come back after a second. */
  close(): void {
    this.dispatching = true;
    for (const channel of this.channels.values()) channel.flush();
    // A set may lose members while it is walked.
    for (const connection of this.connections) connection.bye("shutdown");
    this.unsubscribe?.();
  }

  /** Without an id: whoever resumes goes on from what was in the log. */
  private gaugeFrame({ type, entity, data }: Gauge, at: number, { tenant, dialect }: { tenant: string; dialect: Dialect }): Buffer {
    const event = { seq: this.log.lastSeq(), epoch: this.log.epoch(), tenant, type, entity, severity: "info", ts: at, data } as const;
    const frame = wireFrame({ events: [event] }, dialect);
    return Buffer.from(sseText(frame.type, frame, null));
  }

  private dispatch(events: StoredEvent[]): void {
    const before = this.tallies.frames;
    this.check.handed(events);
    this.dispatching = true;
    for (const connection of this.replaying) connection.setAside(events);
    for (const channel of this.channels.values()) channel.receive(events);
    this.dispatching = false;
    this.eventRate.add(events.length);
    this.frameRate.add(this.tallies.frames - before);
    this.settle();
  }

  private fanOut(write: () => void): void {
    const was = this.dispatching;
    this.dispatching = true;
    write();
    this.dispatching = was;
    this.settle();
  }

  /** Moving flushes, and a flush can make the next connection too slow: all of them, one after the other. */
  private settle(): void {
    if (this.dispatching) return;
    this.dispatching = true;
    for (const [connection, pace] of this.moves) {
      this.moves.delete(connection);
      if (connection.pace === pace || this.channelOf(connection) === undefined) continue;
      this.leave(connection);
      if (connection.isClosed) continue;
      connection.changed(pace);
      this.enter(connection, pace);
    }
    this.dispatching = false;
  }

  private enter(connection: EventConnection, pace: Pace): void {
    const wanted = atPace(connection.request, pace);
    const key = keyOf(wanted);
    let channel = this.channels.get(key);
    if (channel === undefined) {
      channel = new Channel({
        wanted,
        clock: this.clock,
        epoch: this.log.epoch(),
        position: this.log.lastSeq(),
        counts: this.tallies,
        delays: this.delays,
        check: this.check,
        fanOut: (write) => this.fanOut(write),
      });
      this.channels.set(key, channel);
    }
    channel.flush();
    if (!connection.isClosed) channel.subscribers.add(connection);
    if (channel.subscribers.size === 0) this.remove(channel);
  }

  private leave(connection: EventConnection): void {
    const channel = this.channelOf(connection);
    if (channel === undefined) return;
    if (!connection.isClosed) channel.flush();
    channel.subscribers.delete(connection);
    if (channel.subscribers.size === 0) this.remove(channel);
  }

  private remove(channel: Channel): void {
    channel.close();
    this.channels.delete(channel.key);
  }

  private channelOf(connection: EventConnection): Channel | undefined {
    const channel = this.channels.get(keyOf(atPace(connection.request, connection.pace)));
    return channel?.subscribers.has(connection) === true ? channel : undefined;
  }
}

function atPace(request: StreamRequest, pace: Pace): Wanted {
  const { tenant, batchId, stream, types, dialect, policy } = request;
  const slow: CoalescePolicy = { ...policy, windowMs: Math.max(SLOW_WINDOW_MS, policy.windowMs) };
  return { tenant, batchId, stream, types, dialect, policy: pace === "normal" ? policy : slow, thin: pace === "thin" };
}
