import type { MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import type { Clock } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import { expiresAfter } from "../../openai/create-request.ts";
import { missing, OpenAiError, unknownParameter, wrongType, wrongValue } from "../../openai/error.ts";
import { partBytes, partsOf } from "../multipart.ts";

const PURPOSES = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];
const ANCHOR = "expires_after[anchor]";
const SECONDS = "expires_after[seconds]";

/** A file on its way in. Its fields may come before or after its bytes. */
export interface ArrivingFile {
  name: string;
  type: string;
  bytes: AsyncIterable<Uint8Array>;
  /** Once the bytes were read: what the fields say. Throws what is wrong with them, and too_large. */
  fields(): Promise<{ purpose: string; expiresAfterSeconds: number }>;
}

/** The form of POST /v1/files up to its file. Throws OpenAiError for what is wrong so far, too_large, upload_too_slow. */
export async function arrivingFile(request: FastifyRequest, { limit, clock }: { limit: number; clock: Clock }): Promise<ArrivingFile> {
  const next = partsOf(request, { limit, clock });
  const fields = new Map<string, string>();
  let file: MultipartFile | null = null;
  const take = (name: string, value: unknown): void => {
    if (name !== "purpose" && name !== ANCHOR && name !== SECONDS) throw unknownParameter(name);
    fields.set(name, typeof value === "string" ? value : "");
  };
  for (let part = await next(); part !== null && file === null; part = file === null ? await next() : part) {
    if (part.type === "file") file = part;
    else take(part.fieldname, part.value);
  }
  if (file === null) throw missing("file");
  try {
    if (file.fieldname !== "file") throw unknownParameter(file.fieldname);
    if (fields.has("purpose")) purposeOf(fields);
  } catch (error) {
    file.file.resume();
    throw error;
  }
  const found = file;
  return {
    name: found.filename === "" ? "upload" : found.filename,
    type: found.mimetype,
    bytes: partBytes(found, clock),
    async fields() {
      if (found.file.truncated) throw new BatchyardError("too_large", { limit });
      for (let part = await next(); part !== null; part = await next()) {
        if (part.type === "file") {
          part.file.resume();
          throw new OpenAiError(400, "Only one file can be uploaded with a request.", { code: "invalid_value", param: part.fieldname });
        }
        take(part.fieldname, part.value);
      }
      return { purpose: purposeOf(fields), expiresAfterSeconds: expiryOf(fields) };
    },
  };
}

function purposeOf(fields: ReadonlyMap<string, string>): string {
  const purpose = fields.get("purpose");
  if (purpose === undefined) throw missing("purpose");
  if (!PURPOSES.includes(purpose)) throw wrongValue("purpose", purpose, PURPOSES);
  return purpose;
}

function expiryOf(fields: ReadonlyMap<string, string>): number {
  const anchor = fields.get(ANCHOR);
  const seconds = fields.get(SECONDS);
  if (anchor === undefined && seconds === undefined) return expiresAfter(undefined, "expires_after");
  if (seconds !== undefined && !/^-?\d{1,12}$/.test(seconds)) throw wrongType("expires_after.seconds", "an integer", seconds);
  return expiresAfter({ anchor, ...(seconds === undefined ? {} : { seconds: Number(seconds) }) }, "expires_after");
}
