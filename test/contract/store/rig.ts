import { hasBit, setBit } from "../../../src/model/bits.ts";
import type { BatchRow } from "../../../src/model/batch.ts";
import { fingerprint } from "../../../src/model/failure.ts";
import { joinLines, splitLines, type ItemResult } from "../../../src/model/item.ts";
import type { LedgerEntry } from "../../../src/model/ledger.ts";
import { toNanoUsd } from "../../../src/model/money.ts";
import { BatchStats } from "../../../src/model/stats/batch-stats.ts";
import { SuccessBlock } from "../../../src/model/success-block.ts";
import type {
  ClaimedChunk,
  Commit,
  CommitOutcome,
  NewBatch,
  NewChunk,
  NewFailure,
  RecordedResult,
  SealRequest,
  Store,
} from "../../../src/store/port.ts";
import { newBatch } from "../../../src/store/new-batch.fixture.ts";
import type { Opened } from "./adapters.ts";

/** What a handler says about an item. */
export type Answer =
  | { ok: true; result?: unknown; durationMs?: number; qualityScore?: number; cost?: number }
  | { ok: false; error: string; code?: string }
  | { retry: true };

export const OK: Answer = { ok: true };
export const RETRY: Answer = { retry: true };
export const failed = (error = "it broke", code = "broken"): Answer => ({ ok: false, error, code });

export interface CreateOptions {
  tenant?: string;
  maxFailures?: number | null;
  announcedItems?: number;
  batch?: Partial<NewBatch>;
}

/** Of all rigs, so that two over one store never give the same id. */
let count = 0;

/** A store under test with a clock of its own and the few moves that every case needs. */
export class Rig {
  readonly opened: Opened;
  store: Store;
  /** Unix milliseconds; cases move it themselves. */
  now = 1_800_000_000_000;
  /** Of batches that say nothing else. */
  tenant = "acme";

  constructor(opened: Opened) {
    this.opened = opened;
    this.store = opened.store;
  }

  async reopen(): Promise<void> {
    this.store = await this.opened.reopen();
  }

  newBatch(overrides: Partial<NewBatch> = {}): NewBatch {
    count += 1;
    return newBatch({ id: `batch_${this.now}_${String(count).padStart(9, "0")}`, tenant: this.tenant, createdAt: this.now, ...overrides });
  }

  chunks(groups: readonly (readonly string[])[], availableAt = this.now): NewChunk[] {
    let position = 0;
    return groups.map((keys) => {
      const chunk = { position, keys: [...keys], body: joinLines(keys.map(payloadOf)), attempt: 0, availableAt, crashes: 0 };
      position += keys.length;
      return chunk;
    });
  }

  seal(batch: NewBatch, options: CreateOptions = {}): SealRequest {
    return {
      tenant: batch.tenant,
      batchId: batch.id,
      now: this.now,
      maxFailures: options.maxFailures ?? null,
      announcedItems: options.announcedItems ?? 0,
    };
  }

  /** A sealed batch with these chunks of keys. */
  create(groups: readonly (readonly string[])[], options: CreateOptions = {}): Promise<BatchRow> {
    const batch = this.newBatch({ tenant: options.tenant ?? this.tenant, ...options.batch });
    return this.store.batches.create(batch, this.chunks(groups), this.seal(batch, options));
  }

  async get(batch: { id: string; tenant: string }): Promise<BatchRow> {
    const row = await this.store.batches.get(batch.tenant, batch.id);
    if (row === null) throw new Error(`no batch ${batch.id}`);
    return row;
  }

  /** Leases the next pending chunk; null when none can be leased. */
  async tryClaim(batch: { id: string }, leaseMs = 30_000, workerId = "worker_1"): Promise<ClaimedChunk | null> {
    for (const { id } of await this.store.chunks.pending(batch.id, this.now, 100, new Set())) {
      const claimed = await this.store.chunks.claim(id, { workerId, leaseMs, now: this.now });
      if (claimed !== null) return claimed;
    }
    return null;
  }

  async claim(batch: { id: string }, leaseMs?: number, workerId?: string): Promise<ClaimedChunk> {
    const claimed = await this.tryClaim(batch, leaseMs, workerId);
    if (claimed === null) throw new Error(`nothing of ${batch.id} can be leased`);
    return claimed;
  }

  commit(
    chunk: ClaimedChunk,
    answers: Readonly<Record<string, Answer>>,
    end: Commit["end"] = "finish",
    options: { retryAt?: number; progress?: boolean; availableAt?: number; ledger?: LedgerEntry[] } = {},
  ): Promise<CommitOutcome> {
    return this.store.chunks.commit(commitOf(chunk, answers, end, { now: this.now, ...options }));
  }

  /** Runs everything that is pending; the answer of a key decides, OK by default. */
  async drain(batch: { id: string }, answers: Readonly<Record<string, Answer>> = {}): Promise<void> {
    for (;;) {
      const chunk = await this.tryClaim(batch);
      if (chunk === null) return;
      await this.commit(chunk, Object.fromEntries(openKeys(chunk).map((key) => [key, answers[key] ?? OK])));
    }
  }

  /** All results of a batch, read in pages of `limit`. */
  async results(
    batch: { id: string; tenant: string },
    filter: Parameters<Store["results"]["page"]>[2] = {},
    limit = 1000,
  ): Promise<ItemResult[]> {
    const lines: string[] = [];
    let cursor: Parameters<Store["results"]["page"]>[3] = null;
    do {
      const page: Awaited<ReturnType<Store["results"]["page"]>> = await this.store.results.page(
        batch.tenant,
        batch.id,
        filter,
        cursor,
        limit,
      );
      lines.push(...page.lines);
      cursor = page.next;
    } while (cursor !== null);
    return lines.map((line) => JSON.parse(line) as ItemResult);
  }

  async findings(): Promise<string[]> {
    return (await this.store.upkeep.verify({ rebuild: false })).findings.map((finding) => finding.message);
  }
}

export const payloadOf = (key: string): string => JSON.stringify({ of: key });

/** Keys of a leased chunk that have no result yet. */
export function openKeys(chunk: ClaimedChunk): string[] {
  return chunk.keys.filter((_, index) => !hasBit(chunk.done, index));
}

/** `chunk.done` is marked too, so that the next commit of the same lease goes on from there. */
export function commitOf(
  chunk: ClaimedChunk,
  answers: Readonly<Record<string, Answer>>,
  end: Commit["end"],
  options: { now: number; retryAt?: number; progress?: boolean; availableAt?: number; ledger?: LedgerEntry[] },
): Commit {
  const successes = new SuccessBlock();
  const failures: NewFailure[] = [];
  const stats = new BatchStats();
  const retries: number[] = [];
  const texts = splitLines(chunk.body);
  let cost = 0;
  for (const [key, answer] of Object.entries(answers)) {
    const index = chunk.keys.indexOf(key);
    if (index < 0) throw new Error(`${key} is not in chunk ${chunk.id}`);
    setBit(chunk.done, index);
    if ("retry" in answer) retries.push(index);
    else if (answer.ok) {
      const { durationMs = 5, qualityScore = null, cost: usd = null } = answer;
      successes.add({
        item: index,
        text: JSON.stringify(answer.result ?? null),
        retries: chunk.attempt,
        at: options.now,
        durationMs,
        qualityScore,
        cost: usd,
      });
      stats.addDuration(durationMs);
      if (qualityScore !== null) stats.addScore(qualityScore);
      if (usd !== null) cost += toNanoUsd(usd);
    } else {
      failures.push(failureOf(key, index, answer.error, answer.code ?? "broken", options.now));
      stats.addDuration(7);
    }
  }
  const next: NewChunk[] =
    retries.length === 0
      ? []
      : [
          {
            position: chunk.position,
            keys: retries.map((index) => chunk.keys[index]!),
            body: joinLines(retries.map((index) => texts[index]!)),
            attempt: chunk.attempt + 1,
            availableAt: options.retryAt ?? options.now,
            crashes: 0,
          },
        ];
  return {
    chunkId: chunk.id,
    fence: chunk.fence,
    now: options.now,
    successes,
    failures,
    done: Uint8Array.from(chunk.done),
    stats,
    cost,
    ...(options.ledger === undefined ? {} : { ledger: options.ledger }),
    next,
    retried: retries.length,
    end,
    ...(options.availableAt === undefined ? {} : { availableAt: options.availableAt }),
    progress: options.progress ?? false,
  };
}

function failureOf(nodeId: string, index: number | null, error: string, code: string, now: number): NewFailure {
  const result: ItemResult = {
    nodeId,
    success: false,
    error,
    errorCode: code,
    retries: 0,
    durationMs: 7,
    createdAt: new Date(now).toISOString(),
  };
  return { nodeId, index, fingerprint: fingerprint(code, error).fingerprint, error, code, category: "data", line: JSON.stringify(result) };
}

/** A result as outside workers report it. */
export function reported(
  nodeId: string,
  options: { error?: string; cost?: number; qualityScore?: number; now?: number } = {},
): RecordedResult {
  const { error, cost = null, qualityScore = null, now = 1_800_000_000_000 } = options;
  const failure = error === undefined ? null : failureOf(nodeId, null, error, "reported", now);
  const scored = (line: string): string =>
    JSON.stringify({ ...(JSON.parse(line) as ItemResult), ...(qualityScore === null ? {} : { qualityScore }) });
  return {
    nodeId,
    text: '{"reported":true}',
    failure: failure === null ? null : { ...failure, line: scored(failure.line) },
    retries: 0,
    durationMs: 7,
    qualityScore,
    cost,
  };
}
