import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import type { Batch } from "batchyard/client";
import { batchCostsQuery, vizQuery } from "../../data/queries.ts";
import { duration } from "../../figures/duration.ts";
import { money, percent, rate } from "../../figures/number.ts";
import { FigureRow } from "../../parts/figure-row.tsx";

/** Durations of its items, what it cost and saved. */
export function Figures({ batch }: { batch: Batch }): ReactElement {
  const { data: viz } = useQuery(vizQuery(batch.id));
  const { data: costs } = useQuery(batchCostsQuery(batch.id, batch.created_at));
  const times = viz?.performanceMetrics;
  const ms = (value: number | null | undefined): string => (value === null || value === undefined ? "—" : duration(value));
  const began = batch.started_at === null ? null : Date.parse(batch.started_at);
  const ended = batch.completed_at === null ? null : Date.parse(batch.completed_at);
  const tokens = costs === null || costs === undefined ? 0 : costs.tokens.input + costs.tokens.output;
  return (
    <FigureRow
      label="Figures"
      figures={[
        {
          label: "Success",
          value: viz === undefined || viz.overview.successful + viz.overview.failed === 0 ? "—" : percent(viz.overview.successRate),
          below: "of the ended items",
        },
        {
          label: "Run time",
          value: began === null || ended === null ? "—" : duration(ended - began),
          below: batch.started_at === null ? "not started" : ended === null ? "still runs" : "start to end",
        },
        { label: "Item, p50", value: ms(times?.p50Duration), below: `mean ${ms(times?.averageDuration)}` },
        { label: "Item, p95", value: ms(times?.p95Duration), below: `p99 ${ms(times?.p99Duration)}` },
        {
          label: "Throughput",
          value: times === undefined ? "—" : `${rate(times.throughput)}/s`,
          below: viz === undefined ? "" : `peak ${rate(viz.operationMetrics.peakThroughput)} a minute`,
        },
        {
          label: "Cost",
          value: money(batch.cost),
          below:
            costs === null || costs === undefined
              ? "nothing charged"
              : costs.saved > 0
                ? `saved ${money(costs.saved)}, ${costs.savingsPercentage} %`
                : `${tokens} tokens`,
        },
      ]}
    />
  );
}
