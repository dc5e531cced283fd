import { useEffect, useState, useSyncExternalStore, type ReactElement, type ReactNode } from "react";
import { duration } from "../figures/duration.ts";
import { live } from "../live/live.ts";
import { Icon } from "../parts/icon.tsx";

// A short break mends itself unseen.
const UNSEEN_MS = 2_000;

/** While the server is not heard of, the page stands as it last was: without colour, and with its age. */
export function Freshness({ says, children }: { says: boolean; children: ReactNode }): ReactElement {
  const state = useSyncExternalStore(live.subscribeState, live.state);
  const since = state.kind === "reconnecting" ? state.since : null;
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (since === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [since]);
  const age = since === null ? 0 : now - since;
  if (!says || age < UNSEEN_MS) return <div>{children}</div>;
  return (
    <div className="grayscale">
      <p className="mb-6 flex flex-wrap items-center gap-x-2 gap-y-1 border-l-2 border-warn py-1 pl-3 text-sm">
        <Icon name="warning" className="text-warn" />
        <span className="font-medium text-warn">The server does not answer.</span>
        <span>This is how it was {duration(Math.floor(age / 1_000) * 1_000).replace(".0 s", " s")} ago. It is asked again by itself.</span>
      </p>
      {children}
    </div>
  );
}
