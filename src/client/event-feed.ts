import { asRecord, ClientError } from "./client-error.ts";
import { FrameParser, type Frame } from "./sse.ts";
import type { Query, Transport } from "./transport.ts";

/** One event of the server's log, as the stream hands it on. */
export interface FeedEvent {
  /** `noun.verb` of the catalogue, or `batches.…` for several that were merged. */
  type: string;
  data: Record<string, unknown>;
  timestamp: string | null;
  severity: "info" | "warning" | "critical";
  /** `<epoch>.<seq>`: where to go on after this event. */
  cursor: string | null;
}

export interface FeedHandlers {
  event(event: FeedEvent): void;
  /** The stream is (again) open. */
  open?(): void;
  /** The connection was lost or refused; the next try follows in `retryInMs`. */
  lost?(error: ClientError, retryInMs: number): void;
  /** The reader is slow: from here only figures, critical and durable events come, until a reset. */
  degraded?(): void;
  /** Events were missed for good: load a snapshot. The feed goes on from `cursor`. */
  reset?(snapshotUrl: string | null): void;
}

export interface FeedOptions {
  path: string;
  query?: Query;
  /** Go on after this cursor instead of from now. */
  since?: string | null;
}

export const FIRST_RETRY_MS = 1_000;
export const LAST_RETRY_MS = 30_000;
// The server sends a heartbeat every 15 s; three missed ones mean a dead connection that no one has told us of.
const SILENCE_MS = 45_000;
const SEVERITIES = ["info", "warning", "critical"] as const;

/**
 * Follows an event stream until the signal is aborted: reconnects after 1, 2, 4 … 30 s and resumes by cursor.
 * Ends by throwing only when another try cannot help: the credential is refused (401, 403) or the path is unknown (404).
 */
export async function followEvents(transport: Transport, options: FeedOptions, handlers: FeedHandlers, signal: AbortSignal): Promise<void> {
  let cursor = options.since ?? null;
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    let asked: number | null = null;
    let error = new ClientError("The event stream ended", { code: "unreachable" });
    try {
      for await (const frame of frames(transport, options, cursor, signal)) {
        if (frame.retry !== null) asked = frame.retry;
        if (frame.data === "") continue;
        const data = asRecord(JSON.parse(frame.data)) ?? {};
        if (frame.event === "stream.hello") {
          retryMs = FIRST_RETRY_MS;
          cursor = cursor ?? cursorOf(frame, data);
          handlers.open?.();
        } else if (frame.event === "stream.degraded") handlers.degraded?.();
        else if (frame.event === "stream.reset") {
          cursor = cursorOf(frame, data);
          const inner = asRecord(data["data"]) ?? data;
          handlers.reset?.(typeof inner["snapshotUrl"] === "string" ? inner["snapshotUrl"] : null);
        } else if (frame.event !== "heartbeat" && frame.event !== "bye") {
          cursor = frame.id ?? cursor;
          handlers.event({
            type: frame.event,
            data: asRecord(data["data"]) ?? data,
            timestamp: typeof data["timestamp"] === "string" ? data["timestamp"] : null,
            severity: SEVERITIES.find((severity) => severity === data["severity"]) ?? "info",
            cursor,
          });
        }
      }
    } catch (cause) {
      error = cause instanceof ClientError ? cause : new ClientError("The event stream broke off", { code: "unreachable", cause });
    }
    if (signal.aborted) return;
    if (error.status === 401 || error.status === 403 || error.status === 404) throw error;
    const pause = asked ?? (error.retryAfterSeconds === null ? retryMs : error.retryAfterSeconds * 1000);
    handlers.lost?.(error, pause);
    await transport.wait(pause, signal);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }
}

async function* frames(
  transport: Transport,
  options: FeedOptions,
  cursor: string | null,
  signal: AbortSignal,
): AsyncGenerator<Frame, void, undefined> {
  const connection = new AbortController();
  const stop = (): void => connection.abort();
  signal.addEventListener("abort", stop);
  let silence: ReturnType<typeof setTimeout> | undefined;
  try {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (cursor !== null) headers["last-event-id"] = cursor;
    const response = await transport.send(options.path, { query: options.query ?? {}, headers, signal: connection.signal });
    if (response.body === null) return;
    const parser = new FrameParser();
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    try {
      for (;;) {
        silence = setTimeout(stop, SILENCE_MS);
        const { value, done } = await reader.read();
        clearTimeout(silence);
        if (done) return;
        yield* parser.push(decoder.decode(value, { stream: true }));
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", stop);
    connection.abort();
  }
}

function cursorOf(frame: Frame, data: Record<string, unknown>): string | null {
  const inner = asRecord(data["data"]) ?? data;
  return frame.id ?? (typeof inner["cursor"] === "string" ? inner["cursor"] : null);
}
