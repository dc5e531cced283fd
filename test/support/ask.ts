import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";

/** What a request sends. A generator is sent piece by piece, with chunked encoding unless a length is declared. */
export type Body = string | Uint8Array | AsyncIterable<Uint8Array> | undefined;

export interface Asked {
  method?: string;
  /** Sent as it stands: nothing resolves `..` or escapes. */
  path: string;
  /** An empty header is not sent. */
  headers?: OutgoingHttpHeaders;
  body?: Body;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** One request over a connection of its own. Resolves with the answer even while the server has stopped reading the body. */
export function ask(base: string, { method = "GET", path, headers = {}, body }: Asked): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    let answered = false;
    // Node declares no length for bodies of methods that seldom have one.
    const declared = typeof body === "string" || body instanceof Uint8Array ? { "content-length": Buffer.byteLength(body) } : {};
    const outgoing = request({ hostname, port, method, path, headers: given({ ...declared, ...headers }), agent: false }, (response) => {
      answered = true;
      const pieces: Uint8Array[] = [];
      const done = (): void => {
        outgoing.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(pieces).toString("utf8") });
      };
      response.on("data", (piece: Uint8Array) => pieces.push(piece));
      response.on("end", done);
      response.on("error", reject);
    });
    outgoing.on("error", (error) => {
      // The server may end the connection while we still send; its answer, if it came, is what counts.
      if (!answered) reject(error);
    });
    if (body === undefined || typeof body === "string" || body instanceof Uint8Array) return void outgoing.end(body);
    const source = Readable.from(body, { objectMode: false });
    outgoing.on("close", () => source.destroy());
    source.on("error", () => outgoing.destroy());
    source.pipe(outgoing);
  });
}

/** Without the headers that a test has emptied. */
function given(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ""));
}

/** Bytes over a bare socket, for what no HTTP client would send; resolves with everything that comes back until the server ends it. */
export function askRaw(base: string, bytes: string | Uint8Array, options: { breakOff?: boolean } = {}): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve) => {
    const pieces: Uint8Array[] = [];
    const socket = connect(Number(port), hostname, () => {
      socket.write(bytes, () => {
        if (options.breakOff === true) socket.destroy();
      });
    });
    socket.on("data", (piece: Uint8Array) => pieces.push(piece));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(parsed(Buffer.concat(pieces).toString("latin1"))));
  });
}

function parsed(answer: string): Answer {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line): [string, string] => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { status: Number(first.split(" ")[1] ?? 0), headers, text: rest.join("\r\n\r\n") };
}

/** A JSON body for a path. */
export function formed(path: string, body: unknown): { path: string; headers: Record<string, string>; body: string } {
  return { path, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
