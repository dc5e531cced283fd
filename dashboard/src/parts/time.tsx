import { useSyncExternalStore, type ReactElement } from "react";
import { fullTime, relativeTime } from "../figures/time.ts";

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;

/** One clock for every relative time on the page; it stands still while nobody looks. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    now = Date.now();
    for (const each of listeners) each();
  }, 5_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** "3 min ago"; the exact time when pointed at. */
export function Time({ at }: { at: string | null }): ReactElement {
  const current = useNow();
  if (at === null) return <span className="text-soft">—</span>;
  return (
    <time dateTime={at} title={fullTime(at)} className="whitespace-nowrap">
      {relativeTime(at, Math.max(current, Date.now() - 5_000))}
    </time>
  );
}
