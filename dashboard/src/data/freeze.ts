/** A frozen page stands still: nothing is patched, nothing loaded, until it is let go. What came meanwhile is shown then. */

const listeners = new Set<() => void>();
let frozen = false;

export const freeze = {
  get: (): boolean => frozen,
  toggle(): void {
    frozen = !frozen;
    for (const listener of listeners) listener();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
