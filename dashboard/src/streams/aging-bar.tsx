import type { ReactElement } from "react";
import { duration } from "../figures/duration.ts";
import { useSecondsSince } from "../live/second.ts";
import { TONE_FILL } from "../parts/states.ts";

interface AgingBarProps {
  /** "Age" or "Idle time", of what. */
  label: string;
  /** As the server said at `at` (Unix milliseconds of this machine). */
  seconds: number;
  at: number;
  /** Null = it may grow as old as it likes. */
  limitSeconds: number | null;
}

/** How old something is against its limit; goes on by itself, second by second. */
export function AgingBar({ label, seconds, at, limitSeconds }: AgingBarProps): ReactElement {
  const now = seconds + useSecondsSince(at);
  const text = duration(Math.floor(now) * 1000).replace(".0 s", " s");
  if (limitSeconds === null) return <span className="figure text-sm whitespace-nowrap">{text}</span>;
  const share = Math.min(1, now / limitSeconds);
  const tone = now > limitSeconds ? "warn" : "busy";
  return (
    <span className="flex min-w-32 flex-col gap-1">
      <span className="figure flex justify-between gap-3 text-xs whitespace-nowrap">
        <span>{text}</span>
        <span className="text-soft">of {duration(limitSeconds * 1000)}</span>
      </span>
      <span role="img" aria-label={`${label}: ${Math.round(share * 100)} % of its limit`} className="bar">
        <span className={`block h-full ${TONE_FILL[tone]}`} style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}
