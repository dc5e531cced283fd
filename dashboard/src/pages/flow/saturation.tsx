import type { ReactElement } from "react";
import { duration, durationSteps } from "../../figures/duration.ts";
import { percent } from "../../figures/number.ts";
import { Chart } from "../../parts/chart.tsx";
import { Section } from "../../parts/section.tsx";
import type { Flow } from "./queries.ts";

const WHOLE = { from: 0, to: 1 };

/** One mark for each stretch of time: how full the slots were, and how long batches waited. */
export function Saturation({ points }: { points: Flow["saturation"] }): ReactElement {
  const sorted = points.toSorted((a, b) => a.utilisation - b.utilisation);
  return (
    <Section title="Saturation against wait" aside="each mark a stretch of the time">
      {sorted.length < 2 ? (
        <p className="text-soft">
          A mark comes with each minute in which this server works and batches end; {sorted.length === 0 ? "there is none" : "there is one"}{" "}
          yet.
        </p>
      ) : (
        <>
          <Chart
            title="Wait by share of the slots in use"
            times={sorted.map((point) => point.utilisation)}
            series={[
              {
                label: "Wait p95, by share of the slots in use",
                color: "accent",
                marks: true,
                values: sorted.map((point) => point.wait_p95_seconds),
              },
            ]}
            format={(value) => duration(value * 1000)}
            steps={durationSteps(1_000)}
            across={{ label: "Slots in use", format: percent }}
            span={WHOLE}
          />
          <p className="text-sm text-soft">A wait that climbs to the right wants more workers; one that is long at the left does not.</p>
        </>
      )}
    </Section>
  );
}
