import { useEffect, useState, useSyncExternalStore, type ReactElement } from "react";
import { duration } from "../figures/duration.ts";
import { freeze } from "../live/freeze.ts";
import type { LiveState } from "../live/feed.ts";
import { live } from "../live/live.ts";
import { Icon, type IconName } from "../parts/icon.tsx";
import { type Tone, TONE_TEXT } from "../theme/states.ts";

// A short break mends itself unseen; beyond this what is shown is old, and says so.
const STALE_MS = 30_000;

/** Whether what is shown is how it is. */
export function LivePill(): ReactElement {
  const state = useSyncExternalStore(live.subscribeState, live.state);
  const frozen = useSyncExternalStore(freeze.subscribe, freeze.get);
  const now = useSeconds(state.kind === "reconnecting");
  const { text, tone, icon } = frozen ? { text: "Frozen", tone: "warn" as const, icon: "freeze" as const } : look(state, now);
  return (
    <span
      data-testid="live"
      className={`inline-flex h-8 items-center gap-1.5 rounded-full border border-line px-3 text-sm font-medium whitespace-nowrap ${TONE_TEXT[tone]}`}
      title={state.kind === "ended" ? state.message : "Whether this page hears of changes as they happen"}
    >
      <Icon name={icon} /> <span className="figure">{text}</span>
    </span>
  );
}

function look(state: LiveState, now: number): { text: string; tone: Tone; icon: IconName } {
  switch (state.kind) {
    case "connecting":
      return { text: "Connecting", tone: "idle", icon: "clock" };
    case "live":
      return { text: "Live", tone: "good", icon: "check" };
    case "degraded":
      return { text: "Degraded", tone: "warn", icon: "warning" };
    case "ended":
      return { text: "Signed out", tone: "bad", icon: "cross" };
    case "reconnecting": {
      const age = now - state.since;
      if (age > STALE_MS) return { text: `Stale ${duration(Math.floor(age / 1000) * 1000)}`, tone: "bad", icon: "warning" };
      return { text: `Reconnecting ${Math.max(0, Math.ceil((state.retryAt - now) / 1000))} s`, tone: "warn", icon: "retry" };
    }
  }
}

function useSeconds(on: boolean): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    if (!on) return;
    set(Date.now());
    const timer = setInterval(() => set(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [on]);
  return now;
}
