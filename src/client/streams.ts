import type { Transport } from "./transport.ts";
import type { OpenWindow, Preview, PreviewHistory, PreviewRequest, PushAnswer, Stream } from "./wire.ts";

/** `streams` of a client. */
export function streamCalls(transport: Transport) {
  const at = (name: string): string => `/api/streams/${encodeURIComponent(name)}`;
  const act = async (name: string, action: "pause" | "resume"): Promise<Stream> =>
    (await transport.json<{ stream: Stream }>(`${at(name)}/${action}`, { method: "POST", json: {} })).stream;
  return {
    async list(): Promise<Stream[]> {
      return (await transport.json<{ streams: Stream[] }>("/api/streams")).streams;
    },
    async get(name: string): Promise<Stream> {
      return (await transport.json<{ stream: Stream }>(at(name))).stream;
    },
    /** Creates or changes; open windows obey at once. `reason` stands in the audit log. */
    async put(name: string, definition: Record<string, unknown>, extras: { reason?: string; preview?: "required" } = {}): Promise<Stream> {
      return (await transport.json<{ stream: Stream }>(at(name), { method: "PUT", json: definition, query: extras })).stream;
    },
    /** Closes what is open, then forgets the stream. Returns the ids of the batches. */
    async delete(name: string): Promise<string[]> {
      return (await transport.json<{ batches: string[] }>(at(name), { method: "DELETE" })).batches;
    },
    /** Resolves when the items are durably in their windows. */
    async push(
      name: string,
      items: Record<string, unknown> | readonly Record<string, unknown>[],
      extras: { idempotencyKey?: string } = {},
    ): Promise<PushAnswer> {
      const headers: Record<string, string> = extras.idempotencyKey === undefined ? {} : { "idempotency-key": extras.idempotencyKey };
      return transport.json<PushAnswer>(`${at(name)}/items`, { method: "POST", json: items, headers });
    },
    /** JSON lines as they are, in constant memory. */
    async pushLines(name: string, bytes: ReadableStream<Uint8Array>): Promise<PushAnswer> {
      return transport.json<PushAnswer>(`${at(name)}/items`, {
        method: "POST",
        body: bytes,
        headers: { "content-type": "application/x-ndjson" },
      });
    },
    async windows(name: string, query: { limit?: number; key?: string } = {}): Promise<{ windows: OpenWindow[]; total: number }> {
      return transport.json(`${at(name)}/windows`, { query });
    },
    /** Closes open windows now; returns the ids of the batches. */
    async flush(name: string, key?: string): Promise<string[]> {
      return (await transport.json<{ batches: string[] }>(`${at(name)}/flush`, { method: "POST", json: key === undefined ? {} : { key } }))
        .batches;
    },
    /** What other rules would have done to the recorded arrivals; changes nothing. */
    async preview(name: string, request: PreviewRequest = {}): Promise<Preview> {
      return transport.json<Preview>(`${at(name)}/preview`, { method: "POST", json: request });
    },
    /** Changes of the rules, newest first: what was expected of each, and what it did within a day. */
    async previewHistory(name: string): Promise<PreviewHistory> {
      return (await transport.json<{ changes: PreviewHistory }>(`${at(name)}/preview/history`)).changes;
    },
    pause: (name: string): Promise<Stream> => act(name, "pause"),
    resume: (name: string): Promise<Stream> => act(name, "resume"),
  };
}
