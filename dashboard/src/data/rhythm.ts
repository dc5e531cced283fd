import { freeze } from "./freeze.ts";
import { cache, rhythm } from "./cache.ts";
import type { Session } from "./wire.ts";

type Kind = "refresh" | "alerts" | "detail";
const SECONDS: Readonly<Record<Kind, keyof Session["dashboard"]>> = {
  refresh: "refreshSeconds",
  alerts: "alertsSeconds",
  detail: "detailSeconds",
};

/** Milliseconds until something is asked for anew: so many intervals of its kind. A frozen page asks for nothing by itself. */
export function every(kind: Kind, times = 1): () => number | false {
  return () => (freeze.get() ? false : rhythm()[SECONDS[kind]] * times * 1_000);
}

/** What waits for its next turn is timed anew when the server tells another rhythm, and when the page is frozen or let go. */
export function startRhythm(): void {
  let known = JSON.stringify(rhythm());
  cache.getQueryCache().subscribe(({ type, query }) => {
    if (type !== "updated" || query.queryKey[0] !== "session") return;
    const told = JSON.stringify(rhythm());
    if (told === known) return;
    known = told;
    retime();
  });
  freeze.subscribe(retime);
}

/** A query computes its interval when it is given its options. */
function retime(): void {
  for (const query of cache.getQueryCache().getAll()) {
    for (const observer of query.observers) observer.setOptions(observer.options);
  }
}
