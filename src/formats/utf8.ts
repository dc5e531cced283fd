import { BatchyardError } from "../model/errors.ts";

/**
 * Decodes UTF-8 bytes into text blocks without a byte-order mark. Throws bad_encoding for UTF-16 and for bytes that are not UTF-8:
 * a wrong encoding spoils every row, so it is a fault of the file and no replacement characters ever reach an item.
 */
export async function* decodeUtf8(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let head: Uint8Array | null = new Uint8Array(0);
  for await (const chunk of bytes) {
    let part = chunk;
    if (head !== null) {
      part = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      if (part.length < 2) {
        head = part;
        continue;
      }
      head = null;
      refuseUtf16(part);
    }
    const text = decode(() => decoder.decode(part, { stream: true }));
    if (text !== "") yield text;
  }
  const rest = decode(() => decoder.decode(head ?? new Uint8Array(0)));
  if (rest !== "") yield rest;
}

function refuseUtf16(start: Uint8Array): void {
  const [a, b] = start;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) throw new BatchyardError("bad_encoding", { encoding: "UTF-16" });
  // Text without a mark never has a NUL; every second byte of UTF-16 Latin text is one.
  if (a === 0 || b === 0) throw new BatchyardError("bad_encoding", { encoding: "not UTF-8 (it has NUL bytes)" });
}

function decode(step: () => string): string {
  try {
    return step();
  } catch (error) {
    throw new BatchyardError("bad_encoding", { encoding: "not UTF-8" }, { cause: error });
  }
}
