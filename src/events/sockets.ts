import type { IncomingMessage, Server as HttpServer } from "node:http";
import { Server, type Socket } from "socket.io";
import type { Clock } from "../model/clock.ts";
import type { StoredEvent } from "../model/event.ts";
import type { EventLog, SettledItems } from "./port.ts";
import { analysisFrame, windowFrames, type AnalysedBatch, type StreamFrame } from "./stream-frames.ts";

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
const STREAM_ROOM_TYPES: ReadonlySet<string> = new Set([
  "window.opened",
  "window.closed",
  "stream.paused",
  "chunk.retried",
  "chunk.stalled",
]);
const PLAIN_ROOM = /^(alerts|metrics|stream:[A-Za-z0-9_.:-]{1,200})$/;

/** What the sockets need of the rest: who knocks, and what a batch looks like. */
export interface SocketDoor {
  /** The tenant of a credential (Authorization header, `auth.token`, cookie); null when none holds. */
  admit(handshake: { headers: IncomingMessage["headers"]; token: string | undefined; address: string }): Promise<{ tenant: string } | null>;
  isOwnOrigin(origin: string, host: string | undefined): boolean;
  /** The batch as it was created, in the wire shape; null when it is gone. */
  createdBatch(tenant: string, id: string): Promise<object | null>;
  hasBatch(tenant: string, id: string): Promise<boolean>;
  /** What batch.analysis_* says of a batch of a stream with an eventPrefix; null for every other. */
  analysedBatch(tenant: string, id: string): Promise<AnalysedBatch | null>;
}

export interface SocketOptions {
  log: EventLog;
  settled: SettledItems | null;
  door: SocketDoor;
  clock: Clock;
}

interface Visitor {
  tenant: string;
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

export interface SocketService {
  /** Connected clients, and those that were cut because they did not read. */
  readonly counts: { open: number; dropped: number };
  close(): Promise<void>;
}

export function attachSockets(server: HttpServer, options: SocketOptions): SocketService {
  const { door, log, settled, clock } = options;
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
    const given: unknown = (socket.handshake.auth as Record<string, unknown>)["token"];
    const handshake = {
      headers: socket.handshake.headers,
      token: typeof given === "string" ? given : undefined,
      address: socket.handshake.address,
    };
    door.admit(handshake).then(
      (visitor) => {
        if (visitor === null)
          return next(refusal("unauthorized", "A valid credential is required: Authorization header, auth.token or session cookie"));
        socket.data.tenant = visitor.tenant;
        socket.data.handshake = handshake;
        next();
      },
      (error: unknown) => next(refusal(codeOf(error), error instanceof Error ? error.message : "refused")),
    );
  });

  io.on("connection", (socket) => welcome(socket, door, clock));

  let dropped = 0;
  let cancelCheck: () => void = () => undefined;
  const check = (): void => {
    for (const socket of io.sockets.sockets.values()) {
      if (writeQueue(socket) > MAX_QUEUED_PACKETS) {
        dropped += 1;
        socket.disconnect(true);
        continue;
      }
      void door.admit(socket.data.handshake).then(
        (visitor) => visitor ?? socket.disconnect(true),
        () => socket.disconnect(true),
      );
    }
    cancelCheck = clock.after(CHECK_MS, check);
  };
  cancelCheck = clock.after(CHECK_MS, check);

  // One after the other, so that the look-up for `batch:created` cannot let its progress overtake it. Log events wait for the
  // end of this turn of the loop: the items of the commit that wrote them are handed over within it, and go first.
  let line = Promise.resolve();
  let turn: StoredEvent[] = [];
  const unsubscribe = log.subscribe((events) => {
    const heard = events.filter((event) => (io.sockets.adapter.rooms.get(tenantRoom(event.tenant))?.size ?? 0) > 0);
    if (heard.length === 0) return;
    if (turn.length === 0) {
      setImmediate(() => {
        const taken = turn;
        turn = [];
        line = line.then(async () => {
          for (const event of taken) await publish(io, event, door);
        });
      });
    }
    turn.push(...heard);
  });

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

  const unsettle =
    settled?.onSettled(
      (batchId, tenant, lines) => {
        line = line.then(() => {
          for (const text of lines)
            io.to(batchRoom(tenant, batchId)).emit("batch:item_completed", { batchId, ...(JSON.parse(text) as object) });
        });
      },
      (batchId) => watched.has(batchId),
    ) ?? (() => undefined);

  return {
    get counts() {
      return { open: io.sockets.sockets.size, dropped };
    },
    async close() {
      unsubscribe();
      unsettle();
      cancelCheck();
      await line;
      io.disconnectSockets(true);
      // The HTTP server belongs to someone else: only the engine is closed here.
      io.engine.close();
    },
  };
}

function welcome(socket: Client, door: SocketDoor, clock: Clock): void {
  const { tenant } = socket.data;
  void socket.join(tenantRoom(tenant));
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
    void socket.leave(inner(tenant, room));
    socket.emit("room-left", { room });
    reply(given, { success: true, room });
  });
}

/** Null when the room may be joined; else why not. Another tenant's batch is no batch. */
async function joinable(socket: Client, room: string | null, door: SocketDoor): Promise<{ code: string; error: string } | null> {
  if (room === null) return { code: "bad_room", error: "Rooms are batch:<id>, stream:<name>, alerts and metrics" };
  if (socket.rooms.size >= MAX_ROOMS) return { code: "too_many_rooms", error: `A connection joins at most ${MAX_ROOMS} rooms` };
  if (room.startsWith("batch:")) {
    const isThere = await door.hasBatch(socket.data.tenant, room.slice("batch:".length)).catch(() => false);
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

async function publish(io: Sockets, event: StoredEvent, door: SocketDoor): Promise<void> {
  const batchId = event.entity.id;
  const to = io.to(tenantRoom(event.tenant));
  for (const { type, data } of await framesOf(event, door)) to.emit(type, { type, data });
  const { stream } = event.data;
  // What else happens to a stream is for those who watch it: the life of its batches goes to everybody anyway.
  if (typeof stream === "string" && STREAM_ROOM_TYPES.has(event.type))
    io.to(inner(event.tenant, `stream:${stream}`)).emit(event.type.replace(".", ":"), event.data);
  switch (event.type) {
    case "batch.created": {
      const batch = await door.createdBatch(event.tenant, batchId).catch(() => null);
      if (batch !== null) to.emit("batch:created", batch);
      return;
    }
    case "batch.progress":
      to.emit("batch:progress", { batchId, progress: progressOf(event.data), status: textOf(event.data["status"], "running") });
      return;
    case "batch.completed":
    case "batch.cancelled":
    case "batch.started":
    case "batch.paused":
    case "batch.resumed":
      to.emit(event.type.replace(".", ":"), { batchId });
      return;
    case "batch.failed":
      to.emit("batch:failed", { batchId, error: textOf(event.data["error"], "The batch failed") });
      return;
    case "batch.expired":
      to.emit("batch:expired", { batchId });
      to.emit("batch:error", { batchId, code: "expired", error: "The batch reached its deadline before all items had ended" });
      return;
    case "chunk.stalled":
      to.emit("batch:error", {
        batchId,
        code: "chunk_stalled",
        error: textOf(event.data["reason"], "A worker stopped answering; its chunk runs again"),
      });
      return;
    default:
      return;
  }
}

/** The events of streams with a prefix of their own. */
async function framesOf(event: StoredEvent, door: SocketDoor): Promise<StreamFrame[]> {
  const own = windowFrames(event);
  if (own.length > 0 || typeof event.data["stream"] !== "string") return own;
  if (event.type !== "batch.started" && event.type !== "batch.completed" && event.type !== "batch.failed") return [];
  const batch = await door.analysedBatch(event.tenant, event.entity.id).catch(() => null);
  return batch === null ? [] : [analysisFrame(event, batch)];
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

/** The event's own figure, or the same formula over its counts. */
function progressOf(data: Record<string, unknown>): number {
  const given = data["progress"];
  if (typeof given === "number") return given;
  const count = (name: string): number => (typeof data[name] === "number" ? data[name] : 0);
  const total = count("total");
  const ended = count("succeeded") + count("failed") + count("cancelled") + count("expired");
  return total === 0 ? 0 : Math.min(99, Math.floor((ended / total) * 100));
}

// Rooms are named within their tenant, so that no client can name its way into another's.
function tenantRoom(tenant: string): string {
  return `tenant/${tenant}`;
}

function batchRoom(tenant: string, batchId: string): string {
  return inner(tenant, `batch:${batchId}`);
}

function inner(tenant: string, room: string): string {
  return `room/${tenant}/${room}`;
}

function watchedBatch(room: string): string | null {
  const at = room.startsWith("room/") ? room.lastIndexOf("/batch:") : -1;
  return at === -1 ? null : room.slice(at + "/batch:".length);
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
