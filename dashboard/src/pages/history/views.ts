import { historySearch, type HistorySearch } from "./search.ts";

/** A view somebody wants to see again; kept in this browser. */
export interface SavedView {
  name: string;
  search: HistorySearch;
}

const KEY = "batchyard.history.views";
const MOST = 50;
const listeners = new Set<() => void>();
let current: readonly SavedView[] = read();

function read(): SavedView[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    if (!Array.isArray(stored)) return [];
    return (stored as { name?: unknown; search?: unknown }[]).flatMap(({ name, search }) =>
      typeof name === "string" && typeof search === "object" && search !== null
        ? [{ name, search: historySearch(search as Record<string, unknown>) }]
        : [],
    );
  } catch {
    // Storage may be refused, or hold something else: then there are none.
    return [];
  }
}

function set(next: readonly SavedView[]): void {
  current = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Then they hold until the page is closed.
  }
  for (const listener of listeners) listener();
}

export const views = {
  get: (): readonly SavedView[] => current,
  /** One of the same name is replaced. */
  save: (view: SavedView): void => set([view, ...current.filter(({ name }) => name !== view.name)].slice(0, MOST)),
  remove: (name: string): void => set(current.filter((view) => view.name !== name)),
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
