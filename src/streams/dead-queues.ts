import { decodeCursor, encodeCursor } from "../batches/cursor.ts";
import type { Batches, Caller } from "../batches/service.ts";
import type { Clock } from "../model/clock.ts";
import { BatchyardError, invalid } from "../model/errors.ts";
import type { DeadGroup, DeadItem, DeadSelection, Store } from "../store/port.ts";
import type { Streams } from "./service.ts";

/** Items read and retried, or dismissed, in one go; between two of them others get their turn. */
const AT_ONCE = 1_000;

/**
 * What is dead, in one view. Two kinds of queue, each under its own name:
 *
 *     stream     items that found no room in a window: kept apart, offered to the stream again by a requeue, removed by a delete
 *     operation  items that failed for good in a batch that has ended: a requeue retries them in their batch, a delete takes them
 *                off this list; the results of their batch stay as they are
 */
export type QueueKind = "stream" | "operation";

export interface DeadQueue {
  name: string;
  kind: QueueKind;
  count: number;
  /** Largest first. Of a stream why the item was not taken; of an operation the error code. */
  reasons: { reason: string; count: number }[];
  /** Unix milliseconds; of an operation of the error groups that still have dead items. */
  oldest: number;
  newest: number;
}

export interface DeadJob {
  id: number;
  kind: QueueKind;
  reason: string;
  at: number;
  /** Key of the item; null when it has none of its own. */
  itemKey: string | null;
  /** Of a stream: the item. */
  item?: unknown;
  /** Of an operation: where it failed, and how. */
  batchId?: string;
  error?: string;
  category?: string;
}

/** Which queue, and what of it. `kind` is only needed when a stream and an operation have the same name. */
export interface DeadRequest {
  queue: string;
  kind?: QueueKind | undefined;
  selection: DeadSelection;
}

export interface Requeued {
  requeued: number;
  /** Still to come at the given rate. */
  scheduled: number;
  /** Tried and left where they are. */
  left: { id: number; code: string; message: string }[];
  /** Of an operation: batches that run again. */
  batches: string[];
}

export interface DeadQueuesParts {
  store: Pick<Store, "dead" | "streams" | "audit">;
  streams: Streams;
  batches: Batches;
  /** Is there such an operation? */
  knows(operation: string): boolean;
  clock: Clock;
}

/** Throws queue_not_found for a name that is neither the caller's stream nor an operation, ambiguous_queue when it is both. */
export class DeadQueues {
  private readonly parts: DeadQueuesParts;

  constructor(parts: DeadQueuesParts) {
    this.parts = parts;
  }

  /** Queues with something dead in them. */
  async stats({ tenant }: Caller): Promise<DeadQueue[]> {
    const { store } = this.parts;
    const streams = queuesOf("stream", await store.streams.deadLetterGroups(tenant));
    return [...streams, ...queuesOf("operation", await store.dead.groups(tenant))];
  }

  /** Oldest first; `total` of the queue for this reason. */
  async jobs(
    caller: Caller,
    { queue, kind, selection }: DeadRequest,
    page: { limit: number; cursor: string | undefined },
  ): Promise<{ kind: QueueKind; jobs: DeadJob[]; total: number; nextCursor: string | null }> {
    const found = await this.kindOf(caller, queue, kind);
    const list = `dlq:${found}:${queue}`;
    const limit = page.limit + 1;
    const jobs =
      found === "stream"
        ? await this.letters(caller, queue, selection, list, { ...page, limit })
        : await this.items(caller, queue, selection, list, { ...page, limit });
    const shown = jobs.slice(0, page.limit);
    const last = jobs.length > page.limit ? shown.at(-1) : undefined;
    const place = last === undefined ? null : found === "stream" ? [last.id] : [last.batchId!, last.id];
    const own = (await this.stats(caller)).find(({ name, kind: sort }) => name === queue && sort === found);
    const total = (own?.reasons ?? []).filter(({ reason }) => selection.reason === undefined || reason === selection.reason);
    return {
      kind: found,
      jobs: shown,
      total: total.reduce((sum, { count }) => sum + count, 0),
      nextCursor: place === null ? null : encodeCursor(list, place),
    };
  }

  /** The oldest first. `rate` in items a second, only for streams; null = at once. */
  async requeue(
    caller: Caller,
    { queue, kind, selection }: DeadRequest,
    { limit, rate }: { limit: number; rate: number | null },
  ): Promise<Requeued> {
    if ((await this.kindOf(caller, queue, kind)) === "operation") {
      if (rate !== null)
        throw invalid([
          {
            path: "rate",
            code: "invalid_value",
            message: "is only for streams; the options of their batch pace the items of an operation",
          },
        ]);
      return this.retry(caller, queue, selection, limit);
    }
    refuseKind(selection);
    const { requeued, scheduled, left } = await this.parts.streams.requeue(caller, queue, { limit, rate, selection });
    return { requeued, scheduled, left: left.map(({ index, ...why }) => ({ id: index, ...why })), batches: [] };
  }

  /** Returns how many left the list. */
  async remove(caller: Caller, { queue, kind, selection }: DeadRequest): Promise<number> {
    const { store, streams, clock } = this.parts;
    if ((await this.kindOf(caller, queue, kind)) === "stream") {
      refuseKind(selection);
      return streams.discard(caller, queue, selection, Infinity);
    }
    let dismissed = 0;
    for (;;) {
      const some = await store.dead.dismiss(caller.tenant, queue, selection, AT_ONCE, clock.now());
      dismissed += some;
      if (some < AT_ONCE) break;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await this.audit(caller, "dlq.dismiss", queue, { ...selection, dismissed });
    return dismissed;
  }

  private async retry(caller: Caller, operation: string, selection: DeadSelection, limit: number): Promise<Requeued> {
    const done: Requeued = { requeued: 0, scheduled: 0, left: [], batches: [] };
    let after: { batchId: string; id: number } | null = null;
    // A batch that runs again takes no second retry, so everything of it goes in one.
    const own: DeadItem[] = [];
    for (let rest = limit; ;) {
      const items: DeadItem[] =
        rest === 0 ? [] : await this.parts.store.dead.items(caller.tenant, operation, selection, { after, limit: Math.min(rest, AT_ONCE) });
      for (const item of items) {
        if (own.length > 0 && own[0]!.batchId !== item.batchId) await this.retryBatch(caller, own.splice(0), done);
        own.push(item);
      }
      const last = items.at(-1);
      if (last === undefined) break;
      rest -= items.length;
      after = { batchId: last.batchId, id: last.id };
    }
    if (own.length > 0) await this.retryBatch(caller, own, done);
    await this.audit(caller, "dlq.requeue", operation, { limit, ...selection, requeued: done.requeued, batches: done.batches.length });
    return done;
  }

  private async retryBatch(caller: Caller, items: readonly DeadItem[], done: Requeued): Promise<void> {
    const { batchId } = items[0]!;
    try {
      await this.parts.batches.retry(caller, batchId, { nodeIds: items.map(({ nodeId }) => nodeId) });
      done.requeued += items.length;
      done.batches.push(batchId);
    } catch (error) {
      // It was retried or removed meanwhile.
      if (!(error instanceof BatchyardError) || error.status >= 500) throw error;
      done.left.push(...items.map(({ id }) => ({ id, code: error.code, message: error.message })));
    }
  }

  private async letters(
    caller: Caller,
    name: string,
    selection: DeadSelection,
    list: string,
    { limit, cursor }: { limit: number; cursor: string | undefined },
  ): Promise<DeadJob[]> {
    const after = cursor === undefined ? 0 : Number(decodeCursor(list, cursor, ["number"])[0]);
    const { letters } = await this.parts.streams.deadLetters(caller, name, { after, limit, selection });
    return letters.map(({ id, reason, at, itemKey, text }) => ({
      id,
      kind: "stream",
      reason,
      at,
      itemKey,
      item: JSON.parse(text) as unknown,
    }));
  }

  private async items(
    { tenant }: Caller,
    operation: string,
    selection: DeadSelection,
    list: string,
    { limit, cursor }: { limit: number; cursor: string | undefined },
  ): Promise<DeadJob[]> {
    const place = cursor === undefined ? null : decodeCursor(list, cursor, ["string", "number"]);
    const after = place === null ? null : { batchId: String(place[0]), id: Number(place[1]) };
    const items = await this.parts.store.dead.items(tenant, operation, selection, { after, limit });
    return items.map(({ id, code, at, nodeId, batchId, error, category }) => ({
      id,
      kind: "operation",
      reason: code,
      at,
      itemKey: nodeId,
      batchId,
      error,
      category,
    }));
  }

  /** An operation that is no longer registered is there as long as something of it is dead. */
  private async kindOf(caller: Caller, queue: string, kind: QueueKind | undefined): Promise<QueueKind> {
    const { streams, store, knows } = this.parts;
    const isStream = streams.list(caller).some(({ name }) => name === queue);
    const isOperation = knows(queue) || (await store.dead.groups(caller.tenant)).some((group) => group.queue === queue);
    if (kind === undefined && isStream && isOperation) throw new BatchyardError("ambiguous_queue", { name: queue });
    const found = kind ?? (isStream ? "stream" : "operation");
    if (found === "stream" ? !isStream : !isOperation) throw new BatchyardError("queue_not_found");
    return found;
  }

  private audit({ tenant, actor, credential, address }: Caller, action: string, target: string, after: unknown): Promise<void> {
    const at = this.parts.clock.now();
    return this.parts.store.audit.append({
      tenant,
      at,
      actor,
      credential,
      address,
      action,
      target,
      before: null,
      after,
      outcome: "SUCCESS",
    });
  }
}

/** Items that found no room in a stream have not failed. */
function refuseKind({ fingerprint }: DeadSelection): void {
  if (fingerprint === undefined) return;
  throw invalid([{ path: "fingerprint", code: "invalid_value", message: "is only for operations; items of a stream have a reason" }]);
}

/** Groups come with those of a queue together, the largest first. */
function queuesOf(kind: QueueKind, groups: readonly DeadGroup[]): DeadQueue[] {
  return [...Map.groupBy(groups, (group) => group.queue)].map(([name, own]) => ({
    name,
    kind,
    count: own.reduce((sum, { count }) => sum + count, 0),
    reasons: own.map(({ reason, count }) => ({ reason, count })),
    oldest: Math.min(...own.map(({ oldest }) => oldest)),
    newest: Math.max(...own.map(({ newest }) => newest)),
  }));
}
