import { openPromise } from "yauzl";
import type { Entry } from "yauzl";
import { SaxesParser } from "saxes";
import { BatchyardError } from "../../model/errors.ts";

/** A workbook has a few dozen parts; more is an attack on the directory. */
const MAX_PARTS = 10_000;

export interface XmlHandler {
  /** Names come without their namespace prefix. */
  open?(name: string, attributes: Record<string, string>): void;
  text?(text: string): void;
  close?(name: string): void;
}

/** The parts of an Office Open XML file, each unpacked only while it is read. */
export interface XlsxPackage {
  has(part: string): boolean;
  /** Feeds one part to `handler`, yielding it after each block. Throws bad_file, unpacked_too_large. */
  parse<H extends XmlHandler>(part: string, handler: H, maxBytes: number): AsyncGenerator<H, void, undefined>;
  close(): void;
}

export async function openPackage(path: string): Promise<XlsxPackage> {
  const zip = await openPromise(path, { autoClose: false }).catch((error: unknown) => {
    throw unreadable("it is not a zip file, or it was cut off", error);
  });
  try {
    const parts = new Map<string, Entry>();
    if (zip.entryCount > MAX_PARTS) throw unreadable(`it has ${zip.entryCount} parts`);
    for await (const entry of zip.eachEntry()) parts.set(entry.fileName, entry);
    return {
      has: (part) => parts.has(part),
      async *parse(part, handler, maxBytes) {
        const entry = parts.get(part);
        if (entry === undefined) throw unreadable(`it has no part '${part}'`);
        const parser = parserOf(handler);
        const decoder = new TextDecoder("utf-8", { fatal: true });
        let bytes = 0;
        try {
          const stream = await zip.openReadStreamPromise(entry);
          for await (const chunk of stream as AsyncIterable<Uint8Array>) {
            bytes += chunk.length;
            if (bytes > maxBytes) throw new BatchyardError("unpacked_too_large", { limit: maxBytes });
            parser.write(decoder.decode(chunk, { stream: true }));
            yield handler;
          }
          parser.write(decoder.decode()).close();
        } catch (error) {
          throw error instanceof BatchyardError ? error : unreadable(`its part '${part}' is damaged`, error);
        }
        yield handler;
      },
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error instanceof BatchyardError ? error : unreadable("its directory is damaged", error);
  }
}

export function unreadable(reason: string, cause?: unknown): BatchyardError {
  return new BatchyardError("bad_file", { format: "xlsx", reason }, { cause });
}

/** Saxes knows no entities but XML's own five, so none can be defined to explode. */
function parserOf(handler: XmlHandler): SaxesParser<{ position: false; xmlns: false }> {
  const parser = new SaxesParser({ position: false, xmlns: false } as const);
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", (tag) => handler.open?.(localName(tag.name), tag.attributes));
  parser.on("text", (piece) => handler.text?.(piece));
  parser.on("cdata", (piece) => handler.text?.(piece));
  parser.on("closetag", (tag) => handler.close?.(localName(tag.name)));
  return parser;
}

function localName(name: string): string {
  const colon = name.indexOf(":");
  return colon < 0 ? name : name.slice(colon + 1);
}
