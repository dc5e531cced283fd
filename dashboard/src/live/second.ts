import { useSyncExternalStore } from "react";
import { freeze } from "../data/freeze.ts";

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;

/** One clock of whole seconds for everything that ages on the page; it stands still while frozen or hidden. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (document.hidden || freeze.get()) return;
    now = Date.now();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** Seconds since `at` (Unix milliseconds of this machine), anew each second: what the server said then ages by so much. */
export function useSecondsSince(at: number): number {
  const current = useSyncExternalStore(subscribe, () => now);
  return Math.max(0, current - at) / 1000;
}
