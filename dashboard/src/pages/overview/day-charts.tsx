import { useMemo, type ReactElement } from "react";
import type { Monitoring } from "../../data/wire.ts";
import { compact, exactMoney } from "../../figures/number.ts";
import { Chart } from "../../parts/chart.tsx";
import type { Series } from "../../parts/chart-props.ts";

type Point = Monitoring["historical"][number];

const HEIGHT = 200;

/** The course of the work and of its price, a bar a bucket; what nobody recorded is left open. */
export function DayCharts({ points, range }: { points: readonly Point[]; range: string }): ReactElement {
  const times = useMemo(() => points.map((point) => Date.parse(point.timestamp) / 1000), [points]);
  const [work, money] = useMemo((): [Series[], Series[]] => {
    const values = (of: (point: Point) => number): (number | null)[] => points.map((point) => (point.recorded ? of(point) : null));
    return [
      [
        { label: "Items", color: "accent", shape: "bar", values: values((point) => point.requests) },
        { label: "Failed batches", color: "bad", marks: true, sparse: true, values: values((point) => point.failed) },
      ],
      [
        { label: "Paid", color: "accent", shape: "bar", values: values((point) => point.cost) },
        { label: "Saved", color: "good", shape: "bar", faint: true, values: values((point) => Math.max(0, point.savings)) },
      ],
    ];
  }, [points]);
  const isPriced = points.some((point) => point.cost !== 0 || point.savings !== 0);
  return (
    <div className={`grid gap-x-10 gap-y-6 ${isPriced ? "lg:grid-cols-2" : ""}`}>
      <section aria-label="Throughput" className="flex min-w-0 flex-col gap-2">
        <h3>Throughput</h3>
        <Chart title={`Items and failed batches, ${range}`} times={times} series={work} format={compact} height={HEIGHT} />
      </section>
      {isPriced ? (
        <section aria-label="Cost and savings" className="flex min-w-0 flex-col gap-2">
          <h3>Cost and savings</h3>
          <Chart title={`Paid and saved, ${range}`} times={times} series={money} format={exactMoney} height={HEIGHT} />
        </section>
      ) : null}
    </div>
  );
}
