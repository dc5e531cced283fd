import { createHash } from "node:crypto";
import type { BatchRow } from "../model/batch.ts";
import type { Clock } from "../model/clock.ts";
import type { ItemResult } from "../model/item.ts";
import type { Files } from "../files/files.ts";
import type { OpenAiBatchRow, OpenAiUsage } from "../store/openai-batches.ts";
import type { ResultCursor, Store } from "../store/port.ts";
import { UsageSum } from "./usage.ts";

/** Characters of result lines read at once: answers may be of any length. */
const READ_CHARS = 2_000_000;
const FIRST_READ_LINES = 16;
const MOST_READ_LINES = 1000;
/** Bytes handed to the disk at once. */
const WRITE_CHARS = 256 * 1024;

/** How a batch ended, and so what the error file says of lines that never ran. */
export type Ending = "completed" | "expired" | "cancelled";

const NEVER_RUN: Record<Ending, { code: string; message: string }> = {
  completed: { code: "batch_incomplete", message: "This request has no result." },
  expired: { code: "batch_expired", message: "This request could not be executed before the completion window expired." },
  cancelled: { code: "batch_cancelled", message: "This request was not executed because the batch was cancelled." },
};

export interface WrittenFiles {
  outputFileId: string | null;
  errorFileId: string | null;
  usage: OpenAiUsage;
  /** Lines of the output file. */
  completed: number;
  /** Lines of the error file whose request was made. */
  failed: number;
}

/**
 * Writes the output and the error file of an ended batch from its stored results, in constant memory but for the custom_ids: each
 * custom_id of the input once, in one of the two. The ids of the files follow from the batch, so that writing them again after a
 * crash leaves one of each.
 */
export class ResultFiles {
  private readonly store: Pick<Store, "results" | "chunks">;
  private readonly filesOf: (tenant: string) => Files;
  private readonly clock: Clock;

  constructor(parts: { store: Pick<Store, "results" | "chunks">; files: (tenant: string) => Files; clock: Clock }) {
    this.store = parts.store;
    this.filesOf = parts.files;
    this.clock = parts.clock;
  }

  async write(row: OpenAiBatchRow, batch: BatchRow, ending: Ending, signal: AbortSignal): Promise<WrittenFiles> {
    const usage = new UsageSum();
    const written = new Set<string>();
    let completed = 0;
    let failed = 0;
    const fresh = (key: string): boolean => written.size < written.add(key).size;

    const outputLines = async function* (this: ResultFiles): AsyncGenerator<string> {
      for await (const { nodeId, result } of this.results(batch, true, signal)) {
        if (!fresh(nodeId)) continue;
        usage.add(typeof result === "object" && result !== null && "body" in result ? result.body : null);
        completed += 1;
        yield lineOf(row.id, nodeId, result, null);
      }
    };
    const errorLines = async function* (this: ResultFiles): AsyncGenerator<string> {
      for await (const { nodeId, result, error, errorCode } of this.results(batch, false, signal)) {
        if (!fresh(nodeId)) continue;
        failed += 1;
        // What the other side answered is the line's response; a line without an answer says why.
        yield result === undefined
          ? lineOf(row.id, nodeId, null, { code: errorCode ?? "request_failed", message: error ?? "The request failed." })
          : lineOf(row.id, nodeId, result, null);
      }
      for await (const keys of this.store.chunks.keys(batch.tenant, batch.id)) {
        signal.throwIfAborted();
        for (const key of keys) if (fresh(key)) yield lineOf(row.id, key, null, NEVER_RUN[ending]);
      }
    };
    const outputFileId = await this.save(row, "output", outputLines.call(this));
    const errorFileId = await this.save(row, "error", errorLines.call(this));
    return { outputFileId, errorFileId, usage: usage.value(), completed, failed };
  }

  /** Null when there is no line: an empty file is none. */
  private async save(row: OpenAiBatchRow, kind: "output" | "error", lines: AsyncGenerator<string>): Promise<string | null> {
    const bytes = inBlocks(lines);
    const first = await bytes.next();
    if (first.done === true) return null;
    const saved = await this.filesOf(row.tenant).save(resumed(first.value, bytes), {
      id: fileIdOf(row.id, kind),
      name: `${row.id}_${kind}.jsonl`,
      contentType: "application/jsonl",
      purpose: "batch_output",
      expiresAt: this.clock.now() + row.outputExpiresAfter * 1000,
    });
    return saved.id;
  }

  private async *results(batch: BatchRow, success: boolean, signal: AbortSignal): AsyncGenerator<ItemResult> {
    let cursor: ResultCursor | null = null;
    let limit = FIRST_READ_LINES;
    do {
      signal.throwIfAborted();
      const page: { lines: string[]; next: ResultCursor | null } = await this.store.results.page(
        batch.tenant,
        batch.id,
        { success },
        cursor,
        limit,
      );
      let chars = 0;
      for (const line of page.lines) {
        chars += line.length;
        yield JSON.parse(line) as ItemResult;
      }
      const mean = Math.max(1, chars / Math.max(1, page.lines.length));
      limit = Math.max(1, Math.min(MOST_READ_LINES, Math.floor(READ_CHARS / mean)));
      cursor = page.next;
    } while (cursor !== null);
  }
}

function lineOf(batchId: string, key: string, response: unknown, error: { code: string; message: string } | null): string {
  const id = `batch_req_${hashOf(`${batchId}\0${key}`)}`;
  return `${JSON.stringify({ id, custom_id: key, response, error })}\n`;
}

function fileIdOf(batchId: string, kind: string): string {
  return `file-${hashOf(`${batchId}\0${kind}`)}`;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

async function* inBlocks(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let block = "";
  for await (const line of lines) {
    block += line;
    if (block.length < WRITE_CHARS) continue;
    yield Buffer.from(block);
    block = "";
  }
  if (block !== "") yield Buffer.from(block);
}

async function* resumed(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}
