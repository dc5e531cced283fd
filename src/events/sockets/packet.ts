import type { StoredEvent } from "../../model/event.ts";
import { mergeData, mergedType } from "../../model/merged-event.ts";
import type { Frame } from "../frames/frame.ts";
import { analysisFrame, windowFrames, type AnalysedBatch, type StreamFrame } from "../frames/stream-frames.ts";

/** What a Socket.IO client hears: `socket.on(name, (body) => …)`. */
export interface Packet {
  readonly name: string;
  readonly body: object;
  /** The room whose members alone hear it; null = everybody of the tenant. */
  readonly room: string | null;
}

/** What a batch looks like to whoever hears of it. */
export interface BatchLookUp {
  /** The batch as it was created, in the wire shape; null when it is gone. */
  createdBatch(tenant: string, id: string): Promise<object | null>;
  /** What batch.analysis_* says of a batch of a stream with an eventPrefix; null for every other. */
  analysedBatch(tenant: string, id: string): Promise<AnalysedBatch | null>;
}

const PLAIN = new Set(["batch.started", "batch.paused", "batch.resumed", "batch.completed", "batch.cancelled"]);
const HEARD = new Set([...PLAIN, "batch.created", "batch.progress", "batch.failed", "batch.expired", "chunk.stalled"]);
/** What happens to a stream besides the life of its batches is for those who watch it. */
const OF_STREAM = new Set(["window.opened", "window.closed", "stream.paused", "chunk.retried", "chunk.stalled"]);

/** False when no packet comes of the event. */
export function isHeard({ type, data }: StoredEvent): boolean {
  return HEARD.has(type) || typeof data["event_prefix"] === "string" || (OF_STREAM.has(type) && typeof data["stream"] === "string");
}

/** An event under its colon names and, when it is of a stream with a prefix, before them under its dotted ones. */
export async function packetsOf(event: StoredEvent, door: BatchLookUp): Promise<Packet[]> {
  const packets = (await streamFrames(event, door)).map(({ type, data }): Packet => ({ name: type, body: { type, data }, room: null }));
  const { stream } = event.data;
  if (typeof stream === "string" && OF_STREAM.has(event.type)) packets.push({ ...plain(event.type, event.data), room: `stream:${stream}` });
  if (event.type === "batch.created") {
    const body = await door.createdBatch(event.tenant, event.entity.id).catch(() => null);
    if (body !== null) packets.push(plain("batch.created", body));
  } else packets.push(...lifePackets(event));
  return packets;
}

/** The packets of an event that says everything itself; null when the batch must be looked up. */
export function plainPacketsOf(event: StoredEvent): Packet[] | null {
  const needsLookUp = event.type === "batch.created" || typeof event.data["stream"] === "string" || "event_prefix" in event.data;
  return needsLookUp ? null : lifePackets(event);
}

/**
 * The packets of a frame's events, those of the life of batches as one: `batches:started {batch_count, events}`. Events of one
 * type give packets of one name, which `batch:created` (whole batches) and two packets for an event are not merged to.
 */
export function mergedPackets({ events }: Frame, packets: readonly Packet[]): readonly Packet[] {
  const { type } = events[0]!;
  if (events.length === 1 || !(PLAIN.has(type) || type === "batch.failed" || type === "batch.progress")) return packets;
  const name = type.replace(".", ":");
  const parts = packets.filter((packet) => packet.name === name).map(({ body }) => body as Record<string, unknown>);
  return [...packets.filter((packet) => packet.name !== name), plain(mergedType(type), mergeData(parts))];
}

function lifePackets({ type, data, entity }: StoredEvent): Packet[] {
  const batchId = entity.id;
  if (PLAIN.has(type)) return [plain(type, { batchId })];
  switch (type) {
    case "batch.progress":
      return [plain(type, { batchId, progress: progressOf(data), status: textOf(data["status"], "running") })];
    case "batch.failed":
      return [plain(type, { batchId, error: textOf(data["error"], "The batch failed") })];
    case "batch.expired": {
      const error = "The batch reached its deadline before all items had ended";
      return [plain(type, { batchId }), plain("batch.error", { batchId, code: "expired", error })];
    }
    case "chunk.stalled": {
      const error = textOf(data["reason"], "A worker stopped answering; its chunk runs again");
      return [plain("batch.error", { batchId, code: "chunk_stalled", error })];
    }
    default:
      return [];
  }
}

function plain(type: string, body: object): Packet {
  return { name: type.replace(".", ":"), body, room: null };
}

/** The events of streams with a prefix of their own. */
async function streamFrames(event: StoredEvent, door: BatchLookUp): Promise<StreamFrame[]> {
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
