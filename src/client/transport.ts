import { asRecord, brokenOff, ClientError, errorOf, parse } from "./client-error.ts";
import type { Answer, Fetch } from "./fetch.ts";

export type Query = Record<string, string | number | boolean | undefined | null>;

export interface Call {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Query;
  /** Sent as JSON. */
  json?: unknown;
  body?: ReadableStream<Uint8Array> | Blob | Uint8Array<ArrayBuffer> | FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export interface TransportOptions {
  /** Where the server listens, e.g. "http://127.0.0.1:8377". */
  url: string;
  /** API key; without it the browser's session cookie is used. */
  token?: string | undefined;
  fetch?: Fetch | undefined;
  /** How waiting is done; tests pass their own. */
  wait?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

// A server that sheds load says for how long; three tries ride out a restart and still answer within a minute.
const MAX_TRIES = 3;
const MAX_WAIT_SECONDS = 20;

/** Requests to one server: credential, query strings, the error envelope, waiting when the server asks for it. */
export class Transport {
  readonly #base: string;
  readonly #token: string | undefined;
  readonly #fetch: Fetch;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;

  constructor(options: TransportOptions) {
    if (!URL.canParse(options.url))
      throw new ClientError(`'${options.url}' is not a URL; use one like http://127.0.0.1:8377`, { code: "bad_url" });
    this.#base = options.url.replace(/\/+$/, "");
    this.#token = options.token;
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.wait = options.wait ?? waitFor;
  }

  /** The answer of a 2xx; everything else is thrown as ClientError. Bodies that are streams are never sent twice. */
  async send(path: string, call: Call = {}): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const response = await this.#once(path, call);
      if (response.ok) return response;
      const error = await errorOf(response);
      const seconds = error.retryAfterSeconds;
      const again =
        (error.status === 429 || error.status === 503) &&
        seconds !== null &&
        seconds <= MAX_WAIT_SECONDS &&
        tries < MAX_TRIES &&
        call.body === undefined;
      if (!again) throw error;
      await this.wait(seconds * 1000, call.signal ?? new AbortController().signal);
    }
  }

  /** The JSON object of the answer, after a look that it is one. `T` is what the contract says of this route. */
  async json<T>(path: string, call: Call = {}): Promise<T> {
    return (await this.answer<T>(path, call)).body;
  }

  /** The same with the headers that it came with. */
  async answer<T>(path: string, call: Call = {}): Promise<{ body: T; headers: Answer["headers"] }> {
    const response = await this.send(path, { ...call, headers: { accept: "application/json", ...call.headers } });
    const text = await response.text().catch((error: unknown) => {
      throw brokenOff(error);
    });
    const body = parse(text);
    if (asRecord(body) === null) {
      throw new ClientError(`${this.#base} does not answer like a Batchyard server`, {
        code: "unexpected_answer",
        status: response.status,
      });
    }
    return { body: body as T, headers: response.headers };
  }

  async #once(path: string, call: Call): Promise<Answer> {
    const headers: Record<string, string> = { ...call.headers };
    if (this.#token !== undefined) headers["authorization"] = `Bearer ${this.#token}`;
    const init: Parameters<Fetch>[1] = {
      method: call.method ?? "GET",
      headers,
      credentials: "same-origin",
      redirect: "error",
    };
    if (call.json !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(call.json);
    } else if (call.body !== undefined) {
      init.body = call.body;
      if (call.body instanceof ReadableStream) init.duplex = "half";
    }
    if (call.signal !== undefined) init.signal = call.signal;
    try {
      return await this.#fetch(this.#base + path + queryText(call.query), init);
    } catch (error) {
      if (call.signal?.aborted === true) throw new ClientError("The request was aborted", { code: "aborted", cause: error });
      throw new ClientError(`Cannot reach ${this.#base} (${causeOf(error)})`, { code: "unreachable", cause: error });
    }
  }
}

function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const record = typeof cause === "object" && cause !== null ? (cause as { code?: unknown; message?: unknown }) : {};
  return typeof record.code === "string"
    ? record.code
    : typeof record.message === "string" && record.message !== ""
      ? record.message
      : "network error";
}

/** Resolves after `ms`, or at once when the signal is aborted. */
function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
