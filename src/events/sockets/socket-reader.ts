import type { Socket } from "socket.io";
import type { Clock } from "../../model/clock.ts";
import type { Burst } from "./packet-burst.ts";
import type { BurstReader } from "./socket-channel.ts";

/** What a stalled reader may leave unread, and for how long: then it is cut. It reconnects and reads the snapshot. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const STALL_MS = 30_000;

type Connection = Pick<Socket, "conn" | "rooms">;

/**
 * Writes bursts to one Socket.IO connection, and knows what of them its reader has not taken.
 *
 * Over WebSocket a burst is one write of frames that were made once for all readers; Engine.IO sends the bytes as they are
 * because they come as a frame of its own making (`wsPreEncodedFrame`, which the Socket.IO adapter uses for broadcasts).
 * Other transports get the packets one by one and frame them themselves.
 */
export class SocketReader implements BurstReader {
  private readonly connection: Connection;
  private readonly clock: Clock;
  private readonly innerRoom: (room: string) => string;
  private readonly stalled: () => void;
  private readonly wrote: (unread: number) => void;
  /** Bytes that its reader has not taken. */
  unread = 0;
  /** When the oldest unread bytes were written. */
  private unreadSince = Infinity;

  constructor(options: {
    connection: Connection;
    clock: Clock;
    innerRoom: (room: string) => string;
    stalled: () => void;
    wrote: (unread: number) => void;
  }) {
    this.connection = options.connection;
    this.clock = options.clock;
    this.innerRoom = options.innerRoom;
    this.stalled = options.stalled;
    this.wrote = options.wrote;
  }

  /** Asked every few seconds. */
  check(): void {
    if (this.unread > MAX_UNREAD_BYTES || this.clock.elapsed() - this.unreadSince > STALL_MS) this.stalled();
  }

  take(burst: Burst): boolean {
    const { conn, rooms } = this.connection;
    if (burst.room !== null && !rooms.has(this.innerRoom(burst.room))) return false;
    const { length } = burst.frames;
    const taken = (): void => {
      this.unread -= length;
      this.unreadSince = this.unread === 0 ? Infinity : this.clock.elapsed();
    };
    if (this.unread === 0) this.unreadSince = this.clock.elapsed();
    this.unread += length;
    if (conn.transport.name === "websocket") {
      // Without data of its own: the frames are all that is sent.
      const options: { wsPreEncodedFrame: Buffer[] } = { wsPreEncodedFrame: [burst.frames] };
      conn.write("", options as object, taken);
    } else {
      burst.texts.forEach((text, at) => conn.write(text, {}, at === burst.texts.length - 1 ? taken : undefined));
    }
    this.wrote(this.unread);
    if (this.unread > MAX_UNREAD_BYTES) this.stalled();
    return true;
  }
}
