import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { answerLines } from "./answer-lines.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "batchyard-lines-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function read(...lines: unknown[]): Promise<unknown[]> {
  const path = join(folder, "output.jsonl");
  writeFileSync(path, lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
  return Array.fromAsync(answerLines(path));
}

it("an answer stays an answer, whatever its request id is", async () => {
  const answer = { status: 200, requestId: null, body: { n: 1 } };
  for (const request_id of [42, null, { a: 1 }])
    expect(await read({ custom_id: "a", response: { status_code: 200, request_id, body: { n: 1 } } })).toEqual([
      { customId: "a", answer, error: null },
    ]);
});

it("what is no answer is told as such, and hides none of the others", async () => {
  const good = { custom_id: "b", response: { status_code: 200, request_id: "r", body: {} }, error: null };
  expect(await read('{"custom_id": "a", "resp', "[1]", "", good)).toEqual([
    null,
    null,
    { customId: "b", answer: { status: 200, requestId: "r", body: {} }, error: null },
  ]);
});
