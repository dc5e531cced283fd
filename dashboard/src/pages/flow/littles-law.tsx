import type { ReactElement } from "react";
import type { Overview } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { percent, rate, significant } from "../../figures/number.ts";
import { Section } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";

/** Beyond it the figures contradict each other, or the system is filling up or draining. */
const AGREES = 0.1;

/** What is in a system is what comes times how long it stays: a check of the figures above. */
export function LittlesLaw({ law }: { law: Overview["littles_law"] }): ReactElement {
  const { in_system, rate_per_second, mean_seconds, error } = law;
  return (
    <Section title="Do the figures add up?" aside="Little's law, all batches of the last 15 minutes">
      {mean_seconds === null ? (
        <p className="text-soft">No batch ended in the last 15 minutes.</p>
      ) : (
        <div className="flex flex-wrap items-baseline gap-x-6 gap-y-2">
          <p className="figure text-lg">
            {rate(rate_per_second * 60)} batches a minute × {duration(mean_seconds * 1000)} = {significant(rate_per_second * mean_seconds)}{" "}
            in the system; measured {significant(in_system)}
          </p>
          {error === null ? (
            <p className="text-sm text-soft">Less than one batch at a time: too few to compare.</p>
          ) : error <= AGREES ? (
            <Status look={{ word: `They agree within ${percent(error)}`, icon: "check", tone: "good" }} />
          ) : (
            <span className="flex flex-col gap-1">
              <Status look={{ word: `${percent(error)} apart`, icon: "warning", tone: "warn" }} />
              <span className="text-sm text-soft">Batches gather or drain just now; at rest the two agree.</span>
            </span>
          )}
        </div>
      )}
    </Section>
  );
}
