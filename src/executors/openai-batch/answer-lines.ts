import { createReadStream } from "node:fs";
import { z } from "zod";
import type { ModelAnswer } from "../../operations/model-requests.ts";
import { breathe, breatheDue } from "../handler/breather.ts";

/** A longer line is passed over: nothing that was asked for has an answer of this size. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

const lineSchema = z.looseObject({
  custom_id: z.unknown().optional(),
  response: z
    .looseObject({
      status_code: z.number().nullish(),
      // Strange or not, it takes no answer away that was paid for.
      request_id: z.string().nullish().catch(null),
      body: z.unknown().optional(),
    })
    .nullish()
    .catch(null),
  error: z.unknown().optional(),
});

/** One line of an output or error file. */
export interface AnswerLine {
  /** Null: it has none. */
  customId: string | null;
  /** Null: the request was not answered. */
  answer: ModelAnswer | null;
  error: unknown;
}

/** The lines of a file as they come, in constant memory; null for one that is no answer. */
export async function* answerLines(path: string): AsyncGenerator<AnswerLine | null> {
  for await (const text of textLines(path)) {
    if (breatheDue(performance.now())) await breathe();
    yield text === null ? null : answerOf(text);
  }
}

function answerOf(text: string): AnswerLine | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  const line = lineSchema.safeParse(parsed);
  if (!line.success) return null;
  const { custom_id, response, error } = line.data;
  const status = response?.status_code ?? null;
  return {
    customId: typeof custom_id === "string" && custom_id !== "" ? custom_id : null,
    answer:
      response === null || response === undefined || status === null
        ? null
        : { status, requestId: response.request_id ?? null, body: response.body },
    error: error ?? null,
  };
}

/** Lines that are not blank; null for one that is too long. */
async function* textLines(path: string): AsyncGenerator<string | null> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const line = (): string | null => {
    const text = bytes > MAX_LINE_BYTES ? null : Buffer.concat(parts).toString("utf8");
    parts = [];
    bytes = 0;
    return text;
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, end));
      const text = line();
      if (text === null || text.trim() !== "") yield text;
      from = end + 1;
    }
    take(chunk.subarray(from));
  }
  const last = line();
  if (last === null || last.trim() !== "") yield last;

  function take(part: Buffer): void {
    bytes += part.length;
    if (bytes <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  }
}
