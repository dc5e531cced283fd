import type { Batch, BatchFilter, Client, Priority } from "batchyard/client";
import { ClientError } from "batchyard/client";

/** What can be done to many batches at once. */
export type BulkAct = { kind: "retry" } | { kind: "cancel" } | { kind: "priority"; priority: Priority };

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
  priority: "Set priority",
};

/** Whether the state of a batch lets it be done. */
export function applies(act: BulkAct, batch: Batch): boolean {
  const open = batch.status === "pending" || batch.status === "running" || batch.status === "paused";
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
    case "priority":
      return client.setPriority(id, act.priority);
  }
}
