import { useEffect, useState, useSyncExternalStore, type ReactElement } from "react";
import { duration } from "../figures/duration.ts";
import { rate } from "../figures/number.ts";
import { freeze } from "../data/freeze.ts";
import type { LiveState, Pace } from "../live/feed.ts";
import { live } from "../live/live.ts";
import { Icon, type IconName } from "../parts/icon.tsx";
import { type Tone, TONE_TEXT } from "../parts/states.ts";

// A short break mends itself unseen; beyond this what is shown is old, and says so.
const STALE_MS = 30_000;

/** Whether what is shown is how it is. */
export function LivePill(): ReactElement {
  const state = useSyncExternalStore(live.subscribeState, live.state);
  const frozen = useSyncExternalStore(freeze.subscribe, freeze.get);
  const now = useSeconds(state.kind === "reconnecting" || state.kind === "live");
  const { text, tone, icon } = frozen ? { text: "Frozen", tone: "warn" as const, icon: "freeze" as const } : look(state, now);
  const pace = state.kind === "live" && !frozen ? live.pace(now) : null;
  return (
    <span
      data-testid="live"
      className={`inline-flex h-8 items-center gap-1.5 rounded-full border border-line px-3 text-sm font-medium whitespace-nowrap ${TONE_TEXT[tone]}`}
      title={titleOf(state, pace)}
    >
      <Icon name={icon} /> <span className="figure">{text}</span>
      {pace === null ? null : (
        <span aria-hidden="true" className="figure hidden font-normal text-soft lg:inline-block [&:not(:empty)]:min-w-28">
          {paceText(pace)}
        </span>
      )}
    </span>
  );
}

/** "· 1 Hz · 38 ms"; nothing of what has not been measured. */
function paceText({ perSecond, delayMs }: Pace): string {
  if (perSecond === 0) return "";
  return `· ${rate(perSecond)} Hz${delayMs === null ? "" : ` · ${duration(delayMs)}`}`;
}

function titleOf(state: LiveState, pace: Pace | null): string {
  if (state.kind === "ended") return state.message;
  if (state.kind === "degraded")
    return "This page reads slower than events come: it gets figures and critical events only, until it has caught up";
  const about = "This page hears of changes as they happen";
  if (pace === null || pace.delayMs === null) return about;
  return `${about}: ${rate(pace.perSecond)} times a second, ${duration(pace.delayMs)} after they did, to within ${duration(pace.withinMs)}`;
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
