import { useEffect, useSyncExternalStore, type ReactElement, type ReactNode } from "react";
import { fullTime } from "../../figures/time.ts";
import { live } from "../../live/live.ts";
import { Icon } from "../../parts/icon.tsx";
import { Time } from "../../parts/time.tsx";

/**
 * What is shown while the server does not answer: the last that it said, greyed, with its time. It is asked again by itself, and at
 * once when the event stream is back.
 */
export function LastKnown(props: { failing: boolean; since: number; again: () => void; children: ReactNode }): ReactElement {
  const { failing, since, again, children } = props;
  const state = useSyncExternalStore(live.subscribeState, live.state);
  useEffect(() => {
    if (failing && state.kind === "live") again();
    // A new state of the stream is the occasion, not a new function.
  }, [state.kind]);
  const isLost = failing || (state.kind === "reconnecting" && Date.now() - state.since > LOST_MS);
  const at = new Date(since).toISOString();
  return (
    <>
      {isLost ? (
        <p role="status" className="mb-6 flex flex-wrap items-center gap-x-2 gap-y-1 border-l-2 border-warn py-1 pl-3 text-sm">
          <Icon name="warning" className="text-warn" />
          <span className="font-medium text-warn">The server does not answer.</span>
          <span>
            This is how it was <Time at={at} />, at {fullTime(since)}. It is asked again by itself.
          </span>
        </p>
      ) : null}
      <div className={isLost ? "grayscale" : ""}>{children}</div>
    </>
  );
}

// Shorter breaks mend themselves unseen.
const LOST_MS = 3_000;
