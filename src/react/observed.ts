/** A value that is watched while someone looks, in the shape of React's useSyncExternalStore. */
export abstract class Observed<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();
  #stop: (() => void) | null = null;

  constructor(initial: T) {
    this.#value = initial;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#stop ??= this.watch();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = null;
    };
  };

  readonly snapshot = (): T => this.#value;

  protected get isWatched(): boolean {
    return this.#stop !== null;
  }

  /** Called with the first listener; what it returns, after the last one has gone. */
  protected abstract watch(): () => void;

  protected set(change: Partial<T>): void {
    this.#value = { ...this.#value, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** Takes several subscriptions off at once. */
export function all(...ends: (() => void)[]): () => void {
  return () => {
    for (const end of ends) end();
  };
}
