import { brokenOff } from "./client-error.ts";

const LINES_A_PIECE = 65_536;

/** Lines of a body of bytes, without their ends; blank lines are left out. Reads as fast as the consumer takes. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let ended = false;
  try {
    while (!ended) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        throw brokenOff(error);
      });
      ended = done;
      rest += value === undefined ? decoder.decode() : decoder.decode(value, { stream: true });
      let from = 0;
      for (let end = rest.indexOf("\n", from); end >= 0; end = rest.indexOf("\n", from)) {
        const line = rest.slice(from, rest[end - 1] === "\r" ? end - 1 : end);
        from = end + 1;
        if (line !== "") yield line;
      }
      rest = rest.slice(from);
    }
    if (rest.trim() !== "") yield rest;
  } finally {
    if (ended) reader.releaseLock();
    else await reader.cancel().catch(() => undefined);
  }
}

/** One JSON value a line, the first value first (a string is the JSON text of an item), in pieces of about 64 KiB, pulled as fast as the network takes them. */
export function ndjsonBody(first: unknown, items: AsyncIterable<unknown> | Iterable<unknown>): ReadableStream<Uint8Array> {
  const pieces = ndjsonPieces(first, items);
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });
}

export async function* ndjsonPieces(
  first: unknown,
  items: AsyncIterable<unknown> | Iterable<unknown>,
): AsyncGenerator<string, void, undefined> {
  let piece = `${JSON.stringify(first)}\n`;
  for await (const item of items) {
    piece += `${typeof item === "string" ? item : JSON.stringify(item)}\n`;
    if (piece.length >= LINES_A_PIECE) {
      yield piece;
      piece = "";
    }
  }
  if (piece !== "") yield piece;
}
