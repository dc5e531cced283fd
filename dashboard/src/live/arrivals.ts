/** Batches that came since the lists were loaded: rows never move under the reader, who takes them in when ready. */

const listeners = new Set<() => void>();
let waiting = 0;

function set(value: number): void {
  waiting = value;
  for (const listener of listeners) listener();
}

export const arrivals = {
  get: (): number => waiting,
  add: (count: number): void => set(waiting + count),
  taken: (): void => set(0),
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
