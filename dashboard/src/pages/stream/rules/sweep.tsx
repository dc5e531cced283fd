import type { ReactElement } from "react";
import type { Preview } from "batchyard/client";
import { duration, durationSteps } from "../../../figures/duration.ts";
import { compact, percent, rate } from "../../../figures/number.ts";
import { Chart } from "../../../parts/chart.tsx";
import { RULE_FIELDS } from "../../../streams/rule-fields.tsx";

type Point = NonNullable<Preview["sweep"]>["points"][number];

const CURVES: readonly { title: string; of: (point: Point) => number | null; format: (value: number) => string }[] = [
  { title: "Batches", of: (point) => point.batches, format: compact },
  { title: "Items a batch, mean", of: (point) => point.items_per_batch?.mean ?? null, format: rate },
  { title: "Age at closure, p95", of: (point) => point.age_at_closure_ms?.p95 ?? null, format: duration },
  { title: "Slots in use, busiest hour", of: (point) => point.utilisation?.busiest_hour ?? null, format: percent },
];

/** The same at several values of one rule: where more of it stops helping. */
export function Sweep({ sweep }: { sweep: NonNullable<Preview["sweep"]> }): ReactElement {
  const { setting, points } = sweep;
  const field = RULE_FIELDS.find(({ name }) => name === setting);
  const isTime = field?.unit === "s";
  const across = { label: field?.label ?? setting, format: (value: number) => (isTime ? `${compact(value)} s` : compact(value)) };
  const refused = points.filter((point) => point.refused);
  return (
    <div className="flex flex-col gap-4">
      <h3>
        With other values of <span className="lowercase">{across.label}</span>
      </h3>
      <div className="grid gap-x-10 gap-y-6 sm:grid-cols-2 xl:grid-cols-4">
        {CURVES.filter((curve) => points.some((point) => curve.of(point) !== null)).map((curve) => (
          <Chart
            key={curve.title}
            title={`${curve.title} by ${across.label}`}
            times={points.map((point) => point.value)}
            series={[{ label: curve.title, color: "accent", values: points.map(curve.of) }]}
            format={curve.format}
            {...(curve.format === duration ? { steps: durationSteps(1) } : {})}
            across={across}
            height={140}
          />
        ))}
      </div>
      {refused.length === 0 ? null : (
        <p className="text-sm text-soft">
          Not recommended at {refused.map((point) => across.format(point.value)).join(", ")}: {refused[0]!.reason}
        </p>
      )}
    </div>
  );
}
