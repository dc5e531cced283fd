import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Answer, Fetch } from "../client/index.ts";

/**
 * What a client needs of `fetch`, on Node's own HTTP: the global one takes about 100 ms of CPU to load and to ask for the first
 * time, more than the rest of a command that asks once; and so does an import of `node:http`, which loads the global one's
 * parts along. Bodies that are sent are text; a redirect is an error.
 */
export const directFetch: Fetch = (url, { method = "GET", headers, body, signal }) =>
  new Promise((resolve, reject) => {
    if (body !== undefined && body !== null && typeof body !== "string") return reject(new TypeError("Only text is sent this way"));
    const { request } = process.getBuiltinModule(url.startsWith("https:") ? "node:https" : "node:http");
    const sent = request(url, { method, headers: headers as Record<string, string>, ...(signal ? { signal } : {}) }, (message) => {
      const status = message.statusCode ?? 0;
      if (status < 300 || status >= 400) return resolve(answerOf(message, status));
      message.resume();
      reject(new Error(`${status}: it redirects to ${message.headers.location ?? "nowhere"}`));
    });
    sent.on("error", reject);
    sent.end(body);
  });

function answerOf(message: IncomingMessage, status: number): Answer {
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get: (name) => headerOf(message.headers, name) },
    text: () => text(message),
    get body() {
      return Readable.toWeb(message) as ReadableStream<Uint8Array<ArrayBuffer>>;
    },
  };
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name.toLowerCase()];
  return value === undefined ? null : Array.isArray(value) ? value.join(", ") : value;
}
