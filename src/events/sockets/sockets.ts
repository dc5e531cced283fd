import type { IncomingMessage, Server as HttpServer } from "node:http";
import { Server, type Socket } from "socket.io";
import type { Clock } from "../../model/clock.ts";
import { invalid } from "../../model/errors.ts";
import type { CoalescePolicy } from "../frames/coalescer.ts";
import type { BatchLookUp } from "./packet.ts";
import { GAUGE_TYPES, type Gauges } from "../rates/gauges.ts";
import type { EventLog, SettledItems } from "../port.ts";
import type { SocketWish } from "./socket-channel.ts";
import { SocketFeed, type FeedStatistics } from "./socket-feed.ts";
import { SocketReader } from "./socket-reader.ts";

/**
 * Socket.IO at /socket.io: the batch life cycle under colon names, one room per tenant and one per watched batch or stream.
 *
 * At most once, as Socket.IO is: a client that must miss nothing reads /api/events, which resumes.
 */

const MAX_FRAME_BYTES = 1_000_000;
const MAX_ROOMS = 1_000;
// A client that leaves this many packets unread is cut; it reconnects and reads the snapshot.
const MAX_QUEUED_PACKETS = 10_000;
const CHECK_MS = 15_000;
const STALL_CHECK_MS = 5_000;
const PLAIN_ROOM = /^(alerts|metrics|stream:[A-Za-z0-9_.:-]{1,200})$/;

/** What the sockets need of the rest: who knocks, and what a batch looks like. */
export interface SocketDoor extends BatchLookUp {
  /** The tenant of a credential (Authorization header, `auth.token`, cookie); null when none holds. */
  admit(handshake: { headers: IncomingMessage["headers"]; token: string | undefined; address: string }): Promise<{ tenant: string } | null>;
  isOwnOrigin(origin: string, host: string | undefined): boolean;
  hasBatch(tenant: string, id: string): Promise<boolean>;
  /** The policy of that name, as for /api/events. Throws validation_failed. */
  policyOf(coalesce: string | undefined): CoalescePolicy;
}

export interface SocketOptions {
  log: EventLog;
  settled: SettledItems | null;
  door: SocketDoor;
  clock: Clock;
  gauges: Gauges;
}

interface Visitor {
  wish: SocketWish;
  handshake: { headers: IncomingMessage["headers"]; token: string | undefined; address: string };
}

type Sockets = Server<
  Record<string, (...given: unknown[]) => void>,
  Record<string, (...sent: unknown[]) => void>,
  Record<string, never>,
  Visitor
>;
type Client = Socket<
  Record<string, (...given: unknown[]) => void>,
  Record<string, (...sent: unknown[]) => void>,
  Record<string, never>,
  Visitor
>;

/** Connected clients, those that were cut because they did not read, and what they got. */
export type SocketStatistics = {
  open: number;
  dropped: number;
  /** Waiting in memory for readers: now for all of them, and the most that ever waited for one. */
  unread_bytes: number;
  most_unread_bytes: number;
} & FeedStatistics;

export interface SocketService {
  readonly counts: { open: number; dropped: number };
  statistics(): SocketStatistics;
  close(): Promise<void>;
}

export function attachSockets(server: HttpServer, options: SocketOptions): SocketService {
  const { door, log, settled, clock, gauges } = options;
  const io: Sockets = new Server(server, {
    path: "/socket.io",
    serveClient: false,
    maxHttpBufferSize: MAX_FRAME_BYTES,
    allowRequest(request, callback) {
      const { origin, host } = request.headers;
      const isCrossSite = request.headers["sec-fetch-site"] === "cross-site" || (origin !== undefined && !door.isOwnOrigin(origin, host));
      callback(isCrossSite ? "cross_site_request" : null, !isCrossSite);
    },
  });

  io.use((socket, next) => {
    admitted(socket, door).then(
      (visitor) => {
        Object.assign(socket.data, visitor);
        next();
      },
      (error: unknown) => next(refusal(codeOf(error), error instanceof Error ? error.message : "refused")),
    );
  });

  let dropped = 0;
  let mostUnread = 0;
  const readers = new Map<Client, SocketReader>();
  const cut = (socket: Client): void => {
    if (!readers.delete(socket)) return;
    dropped += 1;
    hangUp(socket);
  };

  const feed = new SocketFeed({
    clock,
    door,
    isInhabited: (tenant, room) => io.sockets.adapter.rooms.has(inner(tenant, room)),
  });
  const unsubscribe = log.subscribe((events) => feed.receive(events));

  io.on("connection", (socket) => {
    welcome(socket, feed, door, clock);
    const { wish } = socket.data;
    const reader = new SocketReader({
      connection: socket,
      clock,
      innerRoom: (room) => inner(wish.tenant, room),
      stalled: () => cut(socket),
      wrote: (unread) => {
        mostUnread = Math.max(mostUnread, unread);
      },
    });
    readers.set(socket, reader);
    feed.enter(reader, wish);
    socket.on("disconnect", () => {
      readers.delete(socket);
      feed.leave(reader, wish);
    });
  });

  const checkStalls = (): void => {
    for (const reader of readers.values()) reader.check();
    cancelStallCheck = clock.after(STALL_CHECK_MS, checkStalls);
  };
  let cancelStallCheck = clock.after(STALL_CHECK_MS, checkStalls);
  const check = (): void => {
    for (const socket of io.sockets.sockets.values()) {
      if (writeQueue(socket) > MAX_QUEUED_PACKETS) {
        cut(socket);
        continue;
      }
      void door.admit(socket.data.handshake).then(
        (visitor) => visitor ?? socket.disconnect(true),
        () => socket.disconnect(true),
      );
    }
    cancelCheck = clock.after(CHECK_MS, check);
  };
  let cancelCheck = clock.after(CHECK_MS, check);

  // Asked at every commit, so it must not walk the rooms.
  const watched = new Set<string>();
  io.sockets.adapter.on("create-room", (room) => {
    const id = watchedBatch(room);
    if (id !== null) watched.add(id);
  });
  io.sockets.adapter.on("delete-room", (room) => {
    const id = watchedBatch(room);
    if (id !== null) watched.delete(id);
  });

  // The figures of a second are for the room `metrics`, as long as somebody is in it.
  const watching = new Map<string, () => void>();
  io.sockets.adapter.on("create-room", (room) => {
    const tenant = metricsTenant(room);
    if (tenant === null) return;
    const unwatch = gauges.watch(tenant, GAUGE_TYPES, ({ type, data }) => io.to(room).emit(type.replace(".", ":"), data));
    watching.set(room, unwatch);
  });
  io.sockets.adapter.on("delete-room", (room) => {
    watching.get(room)?.();
    watching.delete(room);
  });

  const unsettle =
    settled?.onSettled(
      (batchId, tenant, lines) => {
        const room = `batch:${batchId}`;
        const packets = lines.map((text) => ({
          name: "batch:item_completed",
          body: { batchId, ...(JSON.parse(text) as object) },
          room,
        }));
        feed.receiveItems(tenant, packets, batchId);
      },
      (batchId) => watched.has(batchId),
    ) ?? (() => undefined);
  const unheard =
    settled?.onItemProgress((batchId, tenant, nodeId, progress) => {
      if (!watched.has(batchId)) return;
      const packet = { name: "batch:item_progress", body: { batchId, nodeId, progress }, room: `batch:${batchId}` };
      feed.receiveItems(tenant, [packet], batchId);
    }) ?? (() => undefined);

  return {
    get counts() {
      return { open: io.sockets.sockets.size, dropped };
    },
    statistics: () => ({
      open: io.sockets.sockets.size,
      dropped,
      unread_bytes: [...readers.values()].reduce((sum, { unread }) => sum + unread, 0),
      most_unread_bytes: mostUnread,
      ...feed.statistics(),
    }),
    async close() {
      unsubscribe();
      unsettle();
      unheard();
      cancelCheck();
      cancelStallCheck();
      await feed.close();
      for (const unwatch of watching.values()) unwatch();
      io.disconnectSockets(true);
      // The HTTP server belongs to someone else: only the engine is closed here.
      io.engine.close();
    },
  };
}

/** Who knocks, and what they asked for. Throws what they are told. */
async function admitted(socket: Client, door: SocketDoor): Promise<Visitor> {
  const { token, coalesce, merge } = socket.handshake.auth as Record<string, unknown>;
  const { headers, address } = socket.handshake;
  const handshake = { headers, token: typeof token === "string" ? token : undefined, address };
  const visitor = await door.admit(handshake);
  if (visitor === null) throw new Error("A valid credential is required: Authorization header, auth.token or session cookie");
  return { handshake, wish: { tenant: visitor.tenant, ...wishOf(coalesce, merge, door) } };
}

/** Throws validation_failed. */
function wishOf(coalesce: unknown, merge: unknown, door: SocketDoor): Pick<SocketWish, "policy" | "merge"> {
  if (coalesce !== undefined && typeof coalesce !== "string")
    throw invalid([{ path: "auth.coalesce", code: "invalid_type", message: "A text: off, default, classic or 500ms,10" }]);
  if (merge !== undefined && typeof merge !== "boolean")
    throw invalid([{ path: "auth.merge", code: "invalid_type", message: "true or false" }]);
  return { policy: door.policyOf(coalesce), merge: merge ?? false };
}

function welcome(socket: Client, feed: SocketFeed, door: SocketDoor, clock: Clock): void {
  const { tenant } = socket.data.wish;
  socket.emit("welcome", { message: "Connected to Batchyard", socketId: socket.id, timestamp: new Date(clock.now()).toISOString() });
  socket.on("ping", (...given) => {
    const pong = { timestamp: new Date(clock.now()).toISOString() };
    socket.emit("pong", pong);
    reply(given, pong);
  });
  socket.on("join-room", (...given) => {
    const room = roomOf(given[0]);
    void joinable(socket, room, door).then((fault) => {
      if (fault !== null) {
        socket.emit("room-error", { room, ...fault });
        return reply(given, { success: false, room, ...fault });
      }
      void socket.join(inner(tenant, room!));
      socket.emit("room-joined", { room });
      reply(given, { success: true, room });
    });
  });
  socket.on("leave-room", (...given) => {
    const room = roomOf(given[0]);
    if (room === null) return;
    // What happened before it left is still for it.
    void feed.written(socket.data.wish).then(() => {
      void socket.leave(inner(tenant, room));
      socket.emit("room-left", { room });
      reply(given, { success: true, room });
    });
  });
}

/** Null when the room may be joined; else why not. Another tenant's batch is no batch. */
async function joinable(socket: Client, room: string | null, door: SocketDoor): Promise<{ code: string; error: string } | null> {
  if (room === null) return { code: "bad_room", error: "Rooms are batch:<id>, stream:<name>, alerts and metrics" };
  if (socket.rooms.size >= MAX_ROOMS) return { code: "too_many_rooms", error: `A connection joins at most ${MAX_ROOMS} rooms` };
  if (room.startsWith("batch:")) {
    const isThere = await door.hasBatch(socket.data.wish.tenant, room.slice("batch:".length)).catch(() => false);
    return isThere ? null : { code: "batch_not_found", error: "Batch not found" };
  }
  return PLAIN_ROOM.test(room) ? null : { code: "bad_room", error: "Rooms are batch:<id>, stream:<name>, alerts and metrics" };
}

function roomOf(given: unknown): string | null {
  const room: unknown = typeof given === "object" && given !== null ? (given as Record<string, unknown>)["room"] : given;
  return typeof room === "string" && room.length <= 300 ? room : null;
}

/** Answers a client that asked with an acknowledgement. */
function reply(given: unknown[], answer: object): void {
  const last = given.at(-1);
  if (typeof last === "function") (last as (answer: object) => void)(answer);
}

// Rooms are named within their tenant, so that no client can name its way into another's.
function inner(tenant: string, room: string): string {
  return `room/${tenant}/${room}`;
}

function watchedBatch(room: string): string | null {
  const at = room.startsWith("room/") ? room.lastIndexOf("/batch:") : -1;
  return at === -1 ? null : room.slice(at + "/batch:".length);
}

/** At once: a connection that does not read would not take the farewell either. */
function hangUp(socket: Client): void {
  const { transport } = socket.conn as unknown as { transport: { socket?: { terminate(): void } } };
  if (transport.socket === undefined) socket.conn.close(true);
  else transport.socket.terminate();
}

function metricsTenant(room: string): string | null {
  return /^room\/(.+)\/metrics$/.exec(room)?.[1] ?? null;
}

/** Packets that wait for a client's connection. Engine.IO keeps them in an array of its own until the transport is writable. */
function writeQueue(socket: Client): number {
  return (socket.conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length;
}

function refusal(code: string, message: string): Error {
  return Object.assign(new Error(message), { data: { code } });
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "unauthorized";
}
