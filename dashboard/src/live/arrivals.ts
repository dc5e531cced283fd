/** What batches became since the lists were loaded: rows never move under the reader, who takes them in when ready. */
export interface Arrival {
  /** When this page heard of it; its own clock. */
  at: number;
  /** It is new itself; others only changed their state. */
  created: boolean;
  status: string;
  operation: string;
  name: string | null;
  stream: string | null;
  key: string | null;
}

// Beyond that the newest are kept: nobody counts them one by one.
const MOST = 5_000;
const listeners = new Set<() => void>();
let known: ReadonlyMap<string, Arrival> = new Map();

function set(next: ReadonlyMap<string, Arrival>): void {
  known = next;
  for (const listener of listeners) listener();
}

export const arrivals = {
  get: (): ReadonlyMap<string, Arrival> => known,
  /** Later news of a batch replace earlier ones; that it is new, and its name, stay known. */
  note(news: ReadonlyMap<string, Arrival>): void {
    const next = new Map(known);
    for (const [id, arrival] of news) {
      const before = next.get(id);
      next.delete(id);
      next.set(id, { ...arrival, name: arrival.name ?? before?.name ?? null, created: arrival.created || before?.created === true });
    }
    for (const id of next.keys()) {
      if (next.size <= MOST) break;
      next.delete(id);
    }
    set(next);
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
