import type { ReactElement } from "react";
import type { Overview } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { count, percent, plural } from "../../figures/number.ts";
import { Section } from "../../parts/section.tsx";
import { TONE_FILL } from "../../parts/states.ts";
import { ClosureBar, CLOSURE_TONES } from "../../parts/closure-bar.tsx";

/** Which rules closed the windows of the last day. */
export function ClosureMix({ windows }: { windows: Overview["day"]["windows"] }): ReactElement | null {
  if (windows.closed === 0) return null;
  const closures = Object.entries(windows.closures)
    .filter(([, number]) => number > 0)
    .sort(([, a], [, b]) => b - a);
  const mean = windows.age_mean_seconds === null ? "" : `, ${duration(windows.age_mean_seconds * 1000)} old in the mean`;
  return (
    <Section title="Closed windows" aside={`${plural(windows.closed, "window")} in 24 hours${mean}`}>
      <div className="[&_.bar]:h-2">
        <ClosureBar closures={windows.closures} />
      </div>
      <ul className="figure flex flex-wrap gap-x-6 gap-y-1 text-sm">
        {closures.map(([reason, number]) => (
          <li key={reason} className="inline-flex items-center gap-1.5">
            <span aria-hidden="true" className={`size-2 rounded-[2px] ${TONE_FILL[CLOSURE_TONES[reason] ?? "idle"]}`} />
            {reason.replaceAll("_", " ")}{" "}
            <span className="text-soft">
              {count(number)}, {percent(number / windows.closed)}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
