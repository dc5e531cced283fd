import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { answerLines } from "./answer-lines.ts";
import type { AttemptFiles } from "./files.ts";

export interface Verdict {
  response: { status_code: number; body: unknown } | null;
  error: { code: string; message: string } | null;
}

/**
 * Writes an error file for an attempt to which the provider gave none, one line for each of its requests. `of` is told the 1-based
 * number of the line. Whoever settles items then reads files and nothing else.
 */
export async function writeVerdict(files: AttemptFiles, attempt: string, of: (line: number) => Verdict): Promise<void> {
  if (!(await files.has(attempt, "input"))) return;
  const path = files.path(attempt, "error");
  const sent = files.path(attempt, "input");
  async function* lines(): AsyncGenerator<string> {
    let number = 0;
    for await (const line of answerLines(sent)) yield `${JSON.stringify({ custom_id: line?.customId ?? null, ...of(++number) })}\n`;
  }
  await pipeline(Readable.from(lines()), createWriteStream(`${path}.part`));
  await rename(`${path}.part`, path);
}
