import { BatchyardError } from "../model/errors.ts";
import { splitLines, type ErrorCategory } from "../model/item.ts";
import { hasBit } from "../model/bits.ts";
import { ownOptions } from "../batches/options.ts";
import { idempotencyKey, type Outcome } from "../executors/port.ts";
import { classify, OperationError } from "../model/failure.ts";
import type { Clock } from "../model/clock.ts";
import type { Store } from "../store/port.ts";
import { unreadable } from "../operations/rows.ts";
import { bisect } from "./bisection.ts";
import { EXTERNAL, Roster, type WorkerProcess } from "./roster.ts";
import type { Run } from "./run/run.ts";
import type { ClaimedChunk, LostLease } from "../store/port.ts";
import type { Tracing } from "../tracing/port.ts";
import { OpenAttempts } from "./open-attempts.ts";

export interface ExternalChunk {
  chunk: number;
  /** To be shown with every later call about this lease. */
  fence: number;
  batchId: string;
  operation: string;
  options: Record<string, unknown>;
  /** 0 for the first try. */
  attempt: number;
  /** Unix milliseconds. */
  leaseUntil: number;
  /** `text` is the payload as it was sent: a number that no double holds stays as it was. */
  items: { key: string; text: string; idempotencyKey: string }[];
  /** The lease as a span of the batch's trace, for the header of that name; null = the batch belongs to none. */
  traceparent: string | null;
}

/** An outside worker's answer for one item: a result, or an error. */
export interface ExternalAnswer {
  key: string;
  result?: unknown;
  /** Given = the item failed. */
  error?: string | undefined;
  errorCode?: string | undefined;
  category?: ErrorCategory | undefined;
  retryAfterMs?: number | undefined;
  durationMs?: number | undefined;
  qualityScore?: number | undefined;
  /** US dollars. */
  cost?: number | undefined;
}

interface LeaseCall {
  worker: string;
  operations?: string[] | undefined;
  /** Chunks at most. */
  max: number;
  leaseMs: number;
  process?: WorkerProcess | undefined;
}

interface SettleCall {
  chunk: number;
  fence: number;
  results: ExternalAnswer[];
  /** False keeps the lease: more results of this chunk follow. */
  done: boolean;
  /** The lease ends, items without a result go back as they were. */
  handBack?: boolean | undefined;
}

/** Leases for workers in any language that pull over HTTP. Same fence, same commit, same retries as a local run. */
export class ExternalWorkers {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly runFor: (chunk: ClaimedChunk) => Run;
  private readonly committed: () => void;
  /** Who they are. */
  readonly roster: Roster;
  private readonly attempts: OpenAttempts;
  /** Calls that must not overlap, by what they are about; see inTurn. */
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(parts: {
    store: Store;
    clock: Clock;
    tracing: Pick<Tracing, "attempt" | "on">;
    runFor: (chunk: ClaimedChunk) => Run;
    committed: () => void;
  }) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.runFor = parts.runFor;
    this.committed = parts.committed;
    this.roster = new Roster(parts);
    this.attempts = new OpenAttempts(parts.tracing);
  }

  /** In turn, so that two who ask at once do not reach for the same chunks and one leaves with nothing. `draining`: it gets nothing more. */
  lease(caller: { tenant: string }, request: LeaseCall): Promise<{ chunks: ExternalChunk[]; draining: boolean }> {
    return this.inTurn(`lease ${caller.tenant}`, async () => {
      const mayWork = await this.roster.heard(caller.tenant, EXTERNAL + request.worker, request.process);
      return { chunks: mayWork ? await this.leaseNow(caller, request) : [], draining: !mayWork };
    });
  }

  private async leaseNow({ tenant }: { tenant: string }, request: LeaseCall): Promise<ExternalChunk[]> {
    const now = this.clock.now();
    const operations = request.operations === undefined ? {} : { operations: request.operations };
    const batches = await this.store.batches.runnable(now, { executors: ["external"], notExecutors: [], perTenant: 64, ...operations });
    const leased: ExternalChunk[] = [];
    for (const batch of batches.filter((candidate) => candidate.tenant === tenant)) {
      const room = request.max - leased.length;
      if (room <= 0) break;
      for (const { id, crashes } of await this.store.chunks.pending(batch.id, now, room, new Set())) {
        // A chunk whose worker died is handed out alone, so that the next death names it.
        if (leased.length > 0 && crashes > 0) continue;
        const chunk = await this.store.chunks.claim(id, { workerId: EXTERNAL + request.worker, leaseMs: request.leaseMs, now });
        if (chunk === null) continue;
        const split = bisect(chunk, now);
        if (split === null) leased.push(toExternal(chunk, this.attempts.leased(chunk)));
        else await this.store.chunks.commit(split);
        if (split === null && crashes > 0) return this.handedOut(leased);
      }
    }
    return this.handedOut(leased);
  }

  private handedOut(leased: ExternalChunk[]): ExternalChunk[] {
    if (leased.length > 0) this.committed();
    return leased;
  }

  /** Somebody took a lease away: nobody was lost by that. */
  revoked(lease: LostLease): void {
    this.attempts.lost([lease]);
  }

  /** Leases ran out, of whichever worker. */
  async lost(leases: readonly LostLease[]): Promise<void> {
    this.attempts.lost(leases);
    await this.roster.lost(leases);
  }

  async heartbeat(
    { tenant }: { tenant: string },
    call: { leases: { chunk: number; fence: number }[]; leaseMs: number; process?: WorkerProcess | undefined },
  ): Promise<{ held: number[]; lost: number[] }> {
    const { leases, leaseMs, process } = call;
    const own: { chunkId: number; fence: number }[] = [];
    const workers = new Set<string>();
    for (const lease of leases) {
      const chunk = await this.store.chunks.held(tenant, lease.chunk, lease.fence);
      if (chunk === null) continue;
      own.push({ chunkId: lease.chunk, fence: lease.fence });
      workers.add(chunk.workerId);
    }
    const held = await this.store.chunks.renew(own, this.clock.now() + leaseMs);
    for (const worker of workers) await this.roster.heard(tenant, worker, process);
    return { held, lost: leases.map((lease) => lease.chunk).filter((chunk) => !held.includes(chunk)) };
  }

  /**
   * Settles items of a leased chunk; with `done` what has no answer fails with `result_missing`. Throws lease_lost. Parts of a
   * chunk that come at once take turns: each starts from what the one before it settled.
   */
  settle(caller: { tenant: string }, request: SettleCall): Promise<{ accepted: number; retried: number; open: number }> {
    return this.inTurn(`chunk ${request.chunk}`, () => this.settleNow(caller, request));
  }

  private inTurn<T>(about: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.turns.get(about) ?? Promise.resolve()).then(work, work);
    this.turns.set(about, turn);
    const over = (): void => {
      if (this.turns.get(about) === turn) this.turns.delete(about);
    };
    turn.then(over, over);
    return turn;
  }

  private async settleNow(
    { tenant }: { tenant: string },
    request: SettleCall,
  ): Promise<{ accepted: number; retried: number; open: number }> {
    const lost = (): BatchyardError => new BatchyardError("lease_lost", { chunk: request.chunk, fence: request.fence });
    const chunk = await this.store.chunks.held(tenant, request.chunk, request.fence);
    if (chunk === null) {
      await this.store.chunks.late(tenant, request.chunk, request.fence, request.results.length);
      throw lost();
    }
    await this.roster.heard(tenant, chunk.workerId);
    const run = this.runFor(chunk);
    const places = new Map(run.openKeys().map((key, index) => [key, index]));
    const unknown = request.results.filter((answer) => !chunk.keys.includes(answer.key));
    if (unknown.length > 0) {
      const errors = unknown.map((answer) => ({
        path: "results",
        code: "unknown_key",
        message: `The key '${answer.key}' is not in chunk ${request.chunk}`,
      }));
      throw new BatchyardError("validation_failed", { summary: errors[0]!.message }, { errors });
    }
    let accepted = 0;
    let retried = 0;
    for (const answer of request.results) {
      const index = places.get(answer.key);
      if (index === undefined) continue;
      const outcome = toOutcome(answer);
      run.settle(index, outcome);
      places.delete(answer.key);
      accepted += 1;
      if (!outcome.ok && run.retries(outcome)) retried += 1;
    }
    if (request.handBack === true) {
      if ((await run.finish()) === null) throw lost();
    } else if (request.done) {
      for (const index of places.values()) {
        run.settle(index, {
          ok: false,
          error: "The worker ended the chunk without a result for this item",
          code: "result_missing",
          category: "permanent",
          durationMs: 0,
        });
      }
      places.clear();
      if ((await run.finish()) === null) throw lost();
    } else {
      run.checkpoint();
      if (!(await run.flushed())) throw lost();
    }
    const last = request.done || request.handBack === true;
    this.attempts.reported(chunk, run.tally, last);
    if (last) this.roster.reported(tenant, chunk.workerId);
    this.committed();
    return { accepted, retried, open: places.size };
  }
}

function toExternal(chunk: ClaimedChunk, traceparent: string | null): ExternalChunk {
  const texts = splitLines(chunk.body);
  const items = chunk.keys
    .map((key, index) => ({ key, text: texts[index] ?? "null", idempotencyKey: idempotencyKey(chunk, key), index }))
    .filter((item) => !hasBit(chunk.done, item.index) && unreadable({ key: item.key, payload: JSON.parse(item.text) as unknown }) === null)
    .map(({ index: _index, ...item }) => item);
  return {
    chunk: chunk.id,
    fence: chunk.fence,
    batchId: chunk.batchId,
    operation: chunk.batch.operation,
    options: ownOptions(chunk.batch.options),
    attempt: chunk.attempt,
    leaseUntil: chunk.leaseUntil,
    items,
    traceparent,
  };
}

function toOutcome(answer: ExternalAnswer): Outcome {
  const { durationMs = 0, qualityScore, cost } = answer;
  if (answer.error === undefined) return { ok: true, result: answer.result ?? null, durationMs, qualityScore, cost };
  const details = {
    code: answer.errorCode ?? "item_failed",
    category: answer.category ?? "permanent",
    retryAfterMs: answer.retryAfterMs,
    qualityScore,
  };
  return { ok: false, ...classify(new OperationError(answer.error, details)), durationMs };
}
