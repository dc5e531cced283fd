import type { Clock } from "../../model/clock.ts";
import type { StoredEvent } from "../../model/event.ts";
import { Coalescer, frameRulesOf, type CoalescePolicy, type Flush } from "../frames/coalescer.ts";
import type { DeliveryDelays } from "../frames/delivery-delays.ts";
import { burstsOf, joined, type Burst } from "./packet-burst.ts";
import { mergedPackets, type Packet } from "./packet.ts";
import { PacedWriter } from "../frames/paced-writer.ts";

/** What a Socket.IO connection asked for: those that asked the same share a channel. */
export interface SocketWish {
  tenant: string;
  policy: CoalescePolicy;
  /** Several packets of one name become one: `batches:started`. Otherwise every packet keeps its name and shape. */
  merge: boolean;
}

export interface SocketCounts {
  /** Events that packets came of, and the packets, each counted once however many readers got them. */
  events: number;
  packets: number;
  /** Packets that there would be without coalescing. */
  single: number;
  /** Packets, to all readers. */
  written: number;
}

interface Piece {
  bursts: readonly Burst[];
  /** Of events of the log. */
  flush: Flush | null;
}

export interface BurstReader {
  /** False when it is not meant for this reader. */
  take(burst: Burst): boolean;
}

/** One wish of one tenant: coalesced, looked up and encoded once, written to every reader. */
export class SocketChannel {
  readonly key: string;
  readonly wish: SocketWish;
  readonly readers = new Set<BurstReader>();
  /** Readers who get what comes after all that is queued. */
  readonly expected = new Set<BurstReader>();
  private readonly coalescer: Coalescer;
  private readonly queue: (task: () => Promise<void>) => void;
  private readonly writer: PacedWriter<Piece>;

  constructor(options: {
    wish: SocketWish;
    clock: Clock;
    counts: SocketCounts;
    delays: DeliveryDelays;
    packetsOf: (event: StoredEvent) => readonly Packet[] | Promise<readonly Packet[]>;
    /** Runs the tasks of all channels one after the other: a look-up must not let what follows overtake. */
    queue: (task: () => Promise<void>) => void;
  }) {
    const { wish, clock, counts, delays, packetsOf, queue } = options;
    this.wish = wish;
    this.key = wishKey(wish);
    this.queue = queue;
    this.writer = new PacedWriter({
      clock,
      write: (pieces) => {
        for (const burst of joined(pieces.flatMap(({ bursts }) => bursts)))
          for (const reader of this.readers) if (reader.take(burst)) counts.written += burst.texts.length;
        for (const { flush } of pieces) if (flush !== null) delays.record(flush.frames);
      },
    });
    const rules = frameRulesOf(wish.policy);
    this.coalescer = new Coalescer({
      policy: wish.policy,
      clock,
      position: 0,
      frameRules: { ...rules, maxEvents: wish.merge ? rules.maxEvents : 1, lastFigures: true },
      sent: (flush) =>
        queue(async () => {
          const packets: Packet[] = [];
          // Events that are not in a frame are figures, each a packet by itself.
          let single = flush.events;
          for (const frame of flush.frames) {
            const own: Packet[] = [];
            for (const event of frame.events) {
              const made = packetsOf(event);
              own.push(...(made instanceof Promise ? await made : made));
            }
            single += own.length - frame.events.length;
            packets.push(...(wish.merge ? mergedPackets(frame, own) : own));
          }
          counts.events += flush.events;
          counts.single += single;
          counts.packets += packets.length;
          this.send(packets, flush);
        }),
    });
  }

  receive(events: readonly StoredEvent[]): void {
    this.coalescer.add(events);
  }

  /** After everything that waits about the batch, but for its figures. */
  sendItems(packets: readonly Packet[], batchId: string): void {
    if (this.coalescer.waitsFor(batchId)) this.coalescer.flush();
    this.queue(async () => this.send(packets, null));
  }

  /** What waits is queued. */
  flush(): void {
    this.coalescer.flush();
  }

  /** What was queued is written. */
  write(): void {
    this.writer.flush();
  }

  close(): void {
    this.coalescer.close();
    this.writer.close();
  }

  private send(packets: readonly Packet[], flush: Flush | null): void {
    const bursts = burstsOf(packets);
    const bytes = bursts.reduce((sum, { frames }) => sum + frames.length, 0);
    this.writer.push({ bursts, flush }, bytes, flush?.urgent ?? false);
  }
}

export function wishKey({ tenant, policy, merge }: SocketWish): string {
  return JSON.stringify([tenant, policy.kind, policy.windowMs, policy.maxEvents, merge]);
}
