import type { Clock } from "../../model/clock.ts";
import type { StoredEvent } from "../../model/event.ts";
import { DeliveryDelays } from "../frames/delivery-delays.ts";
import { isHeard, packetsOf, plainPacketsOf, type BatchLookUp, type Packet } from "./packet.ts";
import { SocketChannel, wishKey, type BurstReader, type SocketCounts, type SocketWish } from "./socket-channel.ts";

export interface FeedStatistics {
  /** Different wishes; connections that want the same share one channel. */
  channels: number;
  /** Events that someone heard of and the packets they became, each counted once; packets written, to all clients. */
  events: number;
  packets: number;
  packets_saved: number;
  packets_written: number;
  delivery_ms: { p50: number | null; p99: number | null };
}

/**
 * Log events and settled items to the channels of their tenant.
 *
 * The tasks of all channels run one after the other, so that the look-up for `batch:created` cannot let its progress overtake
 * it. Log events wait for the end of this turn of the loop: the items of the commit that wrote them are handed over within it,
 * and go first.
 */
export class SocketFeed {
  private readonly clock: Clock;
  private readonly door: BatchLookUp;
  /** Whether anybody of the tenant is in the room. */
  private readonly isInhabited: (tenant: string, room: string) => boolean;
  private readonly channels = new Map<string, SocketChannel>();
  private readonly counts: SocketCounts = { events: 0, packets: 0, single: 0, written: 0 };
  private readonly delays: DeliveryDelays;
  /** Looked up once, however many channels send them. */
  private readonly lookedUp = new WeakMap<StoredEvent, Promise<Packet[]>>();
  private line = Promise.resolve();
  private turn: StoredEvent[] = [];

  constructor(options: { clock: Clock; door: BatchLookUp; isInhabited: (tenant: string, room: string) => boolean }) {
    this.clock = options.clock;
    this.door = options.door;
    this.isInhabited = options.isInhabited;
    this.delays = new DeliveryDelays(options.clock);
  }

  statistics(): FeedStatistics {
    const { events, packets, single, written } = this.counts;
    return {
      channels: this.channels.size,
      events,
      packets,
      packets_saved: single - packets,
      packets_written: written,
      delivery_ms: this.delays.percentiles(),
    };
  }

  /** The reader gets what happens from now on. */
  enter(reader: BurstReader, wish: SocketWish): void {
    const key = wishKey(wish);
    let channel = this.channels.get(key);
    if (channel === undefined) {
      channel = new SocketChannel({
        wish,
        clock: this.clock,
        counts: this.counts,
        delays: this.delays,
        packetsOf: (event) => this.packetsOf(event),
        queue: (task) => this.queue(task),
      });
      this.channels.set(key, channel);
    }
    const entered = channel;
    entered.expected.add(reader);
    entered.flush();
    this.queue(async () => {
      entered.write();
      if (entered.expected.delete(reader)) entered.readers.add(reader);
    });
  }

  leave(reader: BurstReader, wish: SocketWish): void {
    const channel = this.channels.get(wishKey(wish));
    channel?.expected.delete(reader);
    channel?.readers.delete(reader);
    if (channel === undefined || channel.readers.size + channel.expected.size > 0) return;
    channel.close();
    this.channels.delete(channel.key);
  }

  /** Resolves when everything up to now is written to those of this wish. */
  async written(wish: SocketWish): Promise<void> {
    this.hand();
    const channel = this.channels.get(wishKey(wish));
    channel?.flush();
    this.queue(async () => channel?.write());
    await this.line;
  }

  /** In order of seq. */
  receive(events: readonly StoredEvent[]): void {
    if (this.channels.size === 0) return;
    const heard = events.filter(isHeard);
    if (heard.length === 0) return;
    if (this.turn.length === 0) setImmediate(() => this.hand());
    this.turn.push(...heard);
  }

  /** Items of a batch, for those in its room. */
  receiveItems(tenant: string, packets: readonly Packet[], batchId: string): void {
    for (const channel of this.channels.values()) if (channel.wish.tenant === tenant) channel.sendItems(packets, batchId);
  }

  /** Everything up to now is written when this resolves. */
  async close(): Promise<void> {
    this.hand();
    for (const channel of this.channels.values()) channel.flush();
    await this.line;
    for (const channel of this.channels.values()) {
      channel.write();
      channel.close();
    }
  }

  private hand(): void {
    const taken = this.turn;
    this.turn = [];
    for (const channel of this.channels.values()) channel.receive(taken.filter(({ tenant }) => tenant === channel.wish.tenant));
  }

  private queue(task: () => Promise<void>): void {
    this.line = this.line.then(task);
  }

  private packetsOf(event: StoredEvent): Packet[] | Promise<Packet[]> {
    const plain = plainPacketsOf(event);
    if (plain !== null) return plain;
    let made = this.lookedUp.get(event);
    if (made === undefined) {
      made = packetsOf(event, this.door).then((packets) =>
        packets.filter(({ room }) => room === null || this.isInhabited(event.tenant, room)),
      );
      this.lookedUp.set(event, made);
    }
    return made;
  }
}
