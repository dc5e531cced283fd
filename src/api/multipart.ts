import type { Multipart, MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import type { Clock } from "../model/clock.ts";
import { BatchyardError, type Fault, invalid } from "../model/errors.ts";
import { text } from "../model/fields.ts";
import { paced, soon } from "./body.ts";

/** A file on its way in: its bytes are read once, then `check` says whether it came whole and alone. */
export interface ArrivedFile {
  name: string;
  type: string;
  purpose: string | undefined;
  bytes: AsyncIterable<Uint8Array>;
  /** Throws what is only known after the bytes. */
  check(): Promise<void>;
}

const PURPOSE = text(1, 100);

/**
 * The one file of a multipart body; a field `purpose` before it is honoured, everything else refused by name.
 * Throws validation_failed, too_large and upload_too_slow.
 */
export async function oneFile(request: FastifyRequest, { limit, clock }: { limit: number; clock: Clock }): Promise<ArrivedFile> {
  const next = partsOf(request, { limit, clock });

  const faults: Fault[] = [];
  let purpose: string | undefined;
  let file: MultipartFile | null = null;
  for (let part = await next(); part !== null && file === null; part = file === null ? await next() : part) {
    if (part.type === "file") file = part;
    else if (part.fieldname !== "purpose") faults.push(unknownField(part.fieldname));
    else if (PURPOSE.safeParse(part.value).success) purpose = String(part.value);
    else faults.push({ path: "purpose", message: "must have 1 to 100 characters", code: "out_of_range" });
  }
  if (file === null) faults.push({ path: "file", message: "is required: send one part with a file", code: "required" });
  if (file === null || faults.length > 0) {
    file?.file.resume();
    throw invalid(faults);
  }

  const { file: stream } = file;
  return {
    name: file.filename === "" ? "upload" : file.filename,
    type: file.mimetype,
    purpose,
    bytes: partBytes(file, clock),
    async check() {
      if (stream.truncated) throw new BatchyardError("too_large", { limit });
      const more = await next();
      if (more === null) return;
      if (more.type === "file") {
        more.file.resume();
        throw invalid([{ path: more.fieldname, message: "is a second file; send one file a request", code: "unknown_field" }]);
      }
      throw invalid([
        more.fieldname === "purpose"
          ? { path: "purpose", message: "must come before the file", code: "invalid_value" }
          : unknownField(more.fieldname),
      ]);
    },
  };
}

/** The parts of a multipart body, one a call; null = that was all. Throws too_large when the declared length is. */
export function partsOf(request: FastifyRequest, { limit, clock }: { limit: number; clock: Clock }): () => Promise<Multipart | null> {
  const declared = Number(request.headers["content-length"] ?? 0);
  // The boundaries and part headers around the file take a little room of their own.
  if (declared > limit + 65_536) throw new BatchyardError("too_large", { limit });
  const parts = request.parts({ limits: { fileSize: limit, files: 2, fields: 20, fieldSize: 1_024 } });
  return async () => {
    const found = await soon(parts.next(), clock).catch(readable);
    return found.done === true ? null : found.value;
  };
}

/** The bytes of a part as the client sends them; past the limit they end, and the part is `truncated`. */
export function partBytes({ file }: MultipartFile, clock: Clock): AsyncIterable<Uint8Array> {
  return bytesOf(paced(file, clock));
}

function unknownField(name: string): Fault {
  return { path: name, message: `unknown field '${name}'; a file comes with \`purpose\` at most`, code: "unknown_field" };
}

async function* bytesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]();
  try {
    for (let next = await pieces.next().catch(readable); next.done !== true; next = await pieces.next().catch(readable)) yield next.value;
  } finally {
    await pieces.return?.();
  }
}

/** Whatever the parser says is a fault of the body. */
function readable(error: unknown): never {
  if (error instanceof BatchyardError) throw error;
  throw new BatchyardError(
    "validation_failed",
    { summary: `the multipart body cannot be read: ${error instanceof Error ? error.message : "unknown fault"}` },
    { cause: error },
  );
}
