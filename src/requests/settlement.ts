import type { EventLog, SettledItems } from "../events/port.ts";
import { iso, type Clock } from "../model/clock.ts";
import type { StoredEvent } from "../model/event.ts";
import type { BatchRow } from "../model/batch.ts";
import type { ItemResult } from "../model/item.ts";
import { isFinal } from "../model/moves.ts";
import type { RequestOutcome } from "../model/request-states.ts";
import type { RequestEnd, RequestRow } from "../store/requests.ts";
import type { Store } from "../store/port.ts";
import { REQUESTS } from "../streams/requests.ts";
import { webhookChannel } from "./webhook-channel.ts";

/** Results read, requests settled in one go. */
const AT_ONCE = 1_000;
const ENDS = new Set(["batch.completed", "batch.failed", "batch.cancelled", "batch.expired"]);

export interface SettlementParts {
  store: Pick<Store, "requests" | "results" | "batches">;
  events: Pick<EventLog, "subscribe">;
  settled: SettledItems;
  clock: Clock;
  /** Every request of this batch has its outcome. */
  ended(batch: BatchRow): Promise<void>;
  failed(error: unknown): void;
}

/** What a request ended with, beside its outcome. */
type Answer = Pick<ItemResult, "result" | "error" | "errorCode" | "cost">;

/**
 * Gives each request its outcome when its result is committed, and at the end of its batch those that have none. A process that
 * dies in between finds them at its next start: a batch that has ended and still holds open requests.
 */
export class Settlement {
  private readonly parts: SettlementParts;
  /** Batches, and windows that will be one, with requests that have no outcome. */
  private readonly batches = new Set<string>();
  private readonly waiting = new Map<string, Set<() => void>>();
  private readonly stops: (() => void)[] = [];
  private line: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(parts: SettlementParts) {
    this.parts = parts;
  }

  async start(): Promise<void> {
    const { store, events, settled } = this.parts;
    this.stops.push(
      settled.onSettled(
        (batchId, tenant, lines) => this.inTurn(() => this.settleLines(tenant, batchId, lines)),
        (batchId) => this.batches.has(batchId),
      ),
      events.subscribe((some) => {
        for (const event of some) if (isEnd(event)) this.inTurn(() => this.finish(event.tenant, event.entity.id));
      }),
    );
    for (const { tenant, batchId } of await store.requests.open()) {
      this.batches.add(batchId);
      this.inTurn(() => this.finish(tenant, batchId));
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const stop of this.stops) stop();
    for (const waiters of this.waiting.values()) for (const wake of waiters) wake();
    await this.line;
  }

  /** A request waits in this window. */
  expect(batchId: string): void {
    this.batches.add(batchId);
  }

  /** Resolves when the request has changed, when `ms` are over, or when this process stops; `stop` ends it early. */
  change(id: string, ms: number): { done: Promise<void>; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiters = this.waiting.get(id) ?? new Set();
    this.waiting.set(id, waiters);
    const cancel = this.parts.clock.after(ms, () => stop());
    const stop = (): void => {
      cancel();
      waiters.delete(stop);
      if (waiters.size === 0) this.waiting.delete(id);
      resolve();
    };
    waiters.add(stop);
    if (this.stopped) stop();
    return { done: promise, stop };
  }

  changed(ids: readonly string[]): void {
    for (const id of ids) for (const wake of this.waiting.get(id) ?? []) wake();
  }

  private inTurn(work: () => Promise<void>): void {
    this.line = this.line.then(() => (this.stopped ? undefined : work())).catch((error: unknown) => this.parts.failed(error));
  }

  private async settleLines(tenant: string, batchId: string, lines: readonly string[]): Promise<void> {
    const results = new Map(lines.map((line) => JSON.parse(line) as ItemResult).map((result) => [result.nodeId, result]));
    const rows = await this.parts.store.requests.ofBatch(tenant, batchId, { ids: [...results.keys()] });
    const ended = rows.flatMap((row) => {
      const result = results.get(row.id)!;
      return endOf(row, result.success ? "done" : "failed", result, this.parts.clock.now());
    });
    if (ended.length > 0) this.changed(await this.parts.store.requests.settle(tenant, ended, this.parts.clock.now()));
  }

  /** What of a batch that has ended is not settled yet. */
  private async finish(tenant: string, batchId: string): Promise<void> {
    const { store, clock } = this.parts;
    const batch = await store.batches.get(tenant, batchId);
    if (batch === null || !isFinal(batch.status)) return;
    let cursor = null;
    do {
      const page = await store.results.page(tenant, batchId, {}, cursor, AT_ONCE);
      await this.settleLines(tenant, batchId, page.lines);
      cursor = page.next;
    } while (cursor !== null);
    for (;;) {
      const rows = await store.requests.ofBatch(tenant, batchId, { limit: AT_ONCE });
      if (rows.length === 0) break;
      const { outcome, ...answer } = withoutResult(batch);
      const ended = rows.flatMap((row) => endOf(row, outcome, answer, clock.now()));
      this.changed(await store.requests.settle(tenant, ended, clock.now()));
    }
    this.batches.delete(batchId);
    await this.parts.ended(batch);
  }
}

/** What became of a request whose batch ended without a result for it. */
export function withoutResult({ status }: Pick<BatchRow, "status">): Answer & { outcome: RequestOutcome } {
  if (status === "cancelled")
    return { outcome: "cancelled", error: "Its batch was cancelled before it was answered", errorCode: "batch_cancelled" };
  if (status === "expired")
    return { outcome: "failed", error: "Its batch reached its time limit before it was answered", errorCode: "batch_expired" };
  return { outcome: "failed", error: "Its batch ended before it was answered", errorCode: "result_missing" };
}

function isEnd({ type, data }: StoredEvent): boolean {
  return ENDS.has(type) && data["stream"] === REQUESTS;
}

/** Nothing when the row has this outcome already. */
function endOf(row: RequestRow, outcome: RequestOutcome, answer: Answer, now: number): RequestEnd[] {
  if (row.state === outcome) return [];
  return [{ id: row.id, outcome, message: row.webhook === null ? null : messageOf(row, row.webhook, outcome, answer, now) }];
}

function messageOf(row: RequestRow, webhook: string, outcome: RequestOutcome, answer: Answer, now: number): RequestEnd["message"] {
  const event = {
    type: `request.${outcome}`,
    timestamp: iso(now),
    data: {
      id: row.id,
      jobType: row.jobType,
      model: row.model,
      custom_id: row.customId,
      status: outcome,
      batch_id: row.batchId,
      response: answer.result ?? null,
      error: outcome === "done" ? null : { code: answer.errorCode ?? null, message: answer.error ?? null },
      cost: answer.cost ?? null,
    },
  };
  return {
    channel: webhookChannel(webhook),
    dedupeKey: `${row.id}:${outcome}`,
    subject: `Request ${row.id} ${outcome}`,
    body: JSON.stringify({ url: webhook, event }),
  };
}
