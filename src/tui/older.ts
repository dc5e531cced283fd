import type { Batch, Client, HistoryPage } from "../client/index.ts";
import { historyOf, type Question } from "./snapshot.ts";

/** Batches behind the first page of the list, as far as somebody has gone down. */
export interface Older {
  readonly batches: readonly Batch[];
  /** Where the list goes on; null: it has ended, or with no batches here it goes on behind the first page. */
  readonly cursor: string | null;
}

export const NO_OLDER: Older = { batches: [], cursor: null };

/** Enough to look through; what is wanted beyond it is found by a filter. */
const MOST = 10_000;
/** A page of a narrow filter may be empty and go on all the same. */
const MOST_PAGES = 20;

/** Where the list goes on behind what is known of it; null: nowhere, or far enough. */
export function moreAt(history: HistoryPage, older: Older): string | null {
  if (older.batches.length === 0) return history.nextCursor;
  return older.batches.length < MOST ? older.cursor : null;
}

/** What of `older` stays when the first page was loaded anew: what fell off its end is put before it. */
export function behind(older: Older, before: HistoryPage, now: HistoryPage, { filter }: Question): Older {
  if (older.batches.length === 0) return NO_OLDER;
  const first = new Set(now.batches.map(({ id }) => id));
  const last = before.batches.findLastIndex(({ id }) => first.has(id));
  // Nobody knows what lies between the two.
  if (last < 0) return NO_OLDER;
  const stays = ({ id, status }: Batch): boolean => !first.has(id) && (filter.status === undefined || filter.status === status);
  return { batches: [...before.batches.slice(last + 1), ...older.batches].filter(stays), cursor: older.cursor };
}

/** The next page that has anything. Throws ClientError. */
export async function pageAt(client: Client, question: Question, from: string): Promise<Older> {
  let cursor: string | null = from;
  const batches: Batch[] = [];
  for (let pages = 0; cursor !== null && batches.length === 0 && pages < MOST_PAGES; pages++) {
    const page: HistoryPage = await historyOf(client, question, cursor);
    batches.push(...page.batches);
    cursor = page.nextCursor;
  }
  return { batches, cursor };
}

/** With that page at its end. */
export function longer(older: Older, page: Older): Older {
  const known = new Set(older.batches.map(({ id }) => id));
  return { batches: [...older.batches, ...page.batches.filter(({ id }) => !known.has(id))], cursor: page.cursor };
}
