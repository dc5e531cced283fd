import { useMemo, type ReactElement } from "react";
import type { Costs } from "batchyard/client";
import { exactMoney } from "../../figures/number.ts";
import { Chart } from "../../parts/chart.tsx";
import type { Series } from "../../parts/chart-props.ts";
import { Section } from "../../parts/section.tsx";
import { dayName, dayNumber, daysBetween } from "./days.ts";

/** Day by day what was paid, and upon it what was saved: together the standard price. A day without requests cost nothing. */
export function Trend({ costs }: { costs: Costs }): ReactElement {
  const days = useMemo(() => daysBetween(costs.from, costs.to), [costs.from, costs.to]);
  const series = useMemo((): Series[] => {
    const byDay = new Map(costs.groups.map((group) => [dayNumber(group.key), group]));
    return [
      { label: "Paid", color: "accent", shape: "bar", values: days.map((day) => byDay.get(day)?.paid ?? 0) },
      { label: "Saved", color: "good", shape: "bar", faint: true, values: days.map((day) => byDay.get(day)?.saved ?? 0) },
    ];
  }, [costs, days]);
  return (
    <Section title="Day by day" aside="both together are the standard price; days are UTC">
      <Chart
        title="Paid and saved by day"
        times={days}
        across={{ label: "Day", format: dayName }}
        series={series}
        format={exactMoney}
        height={260}
        image="costs.png"
      />
    </Section>
  );
}
