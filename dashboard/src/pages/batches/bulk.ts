import type { Batch, BatchFilter, Client, Priority } from "batchyard/client";
import { ClientError } from "batchyard/client";
import type { BulkRequest } from "../../bulk/bulk-act.ts";
import type { Selection } from "./selection.ts";

/** What can be done to many batches at once. */
export type BulkAct = { kind: "retry" | "cancel" | "pause" | "resume" } | { kind: "priority"; priority: Priority };

export interface BulkProgress {
  done: number;
  /** The state of the batch forbade it, or it changed meanwhile. */
  refused: number;
  total: number;
}

const AT_ONCE = 4;
const PAGE = 100;

export const ACT_NAMES: Readonly<Record<BulkAct["kind"], string>> = {
  retry: "Retry failed items",
  cancel: "Cancel",
  pause: "Pause",
  resume: "Resume",
  priority: "Set priority",
};

/** Whether the state of a batch lets it be done. */
export function applies(act: BulkAct, batch: Batch): boolean {
  const open = batch.status === "pending" || batch.status === "running" || batch.status === "paused";
  if (act.kind === "resume") return batch.status === "paused";
  if (act.kind === "pause") return open && batch.status !== "paused";
  if (act.kind !== "retry") return open;
  return !open && batch.failed_items + batch.cancelled_items + batch.expired_items > 0;
}

/** Ids of all that match but those left out, page by page. */
export async function matching(client: Client, filter: BatchFilter, left: ReadonlySet<string>, signal: AbortSignal): Promise<Batch[]> {
  const found: Batch[] = [];
  let cursor: string | null = null;
  do {
    const page = await client.history({ ...filter, limit: PAGE, ...(cursor === null ? {} : { cursor }) });
    found.push(...page.batches.filter((batch) => !left.has(batch.id)));
    cursor = page.nextCursor;
  } while (cursor !== null && !signal.aborted);
  return found;
}

/** Does it, a few at a time, until all are done or the signal is aborted. Refusals are counted; what else fails is thrown. */
export async function runBulk(
  client: Client,
  act: BulkAct,
  ids: readonly string[],
  onProgress: (progress: BulkProgress) => void,
  signal: AbortSignal,
): Promise<BulkProgress> {
  const progress: BulkProgress = { done: 0, refused: 0, total: ids.length };
  const rest = ids[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const id of rest) {
      if (signal.aborted) return;
      try {
        await actOn(client, act, id);
        progress.done += 1;
      } catch (error) {
        if (!(error instanceof ClientError) || ![400, 404, 409].includes(error.status)) throw error;
        progress.refused += 1;
      }
      onProgress({ ...progress });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return progress;
}

function actOn(client: Client, act: BulkAct, id: string): Promise<Batch> {
  switch (act.kind) {
    case "retry":
      return client.retry(id);
    case "cancel":
      return client.cancel(id);
    case "pause":
      return client.pause(id);
    case "resume":
      return client.resume(id);
    case "priority":
      return client.setPriority(id, act.priority);
  }
}

/** The same as one act of the server: it counts, does it at a rate, goes on when this page is closed, and can be undone at first. */
export function requestOf(act: BulkAct, filter: BatchFilter, selection: Selection, rows: readonly Batch[]): BulkRequest {
  const chosen = selection.all ? [] : rows.filter((batch) => selection.ids.has(batch.id));
  const times = chosen.map((batch) => batch.created_at).sort();
  const { operation, status, ...same } = filter;
  const matching = {
    ...same,
    ...(operation === undefined ? {} : { jobType: operation }),
    ...(status === undefined ? {} : { states: [status] }),
  };
  return {
    action: act.kind,
    ...(act.kind === "priority" ? { priority: act.priority } : {}),
    filter: selection.all
      ? { ...matching, ...(selection.ids.size === 0 ? {} : { except: [...selection.ids] }) }
      : // The times bound what the server looks through for them.
        { ids: chosen.map((batch) => batch.id), createdAfter: times[0]!, createdBefore: times.at(-1)! },
  };
}
