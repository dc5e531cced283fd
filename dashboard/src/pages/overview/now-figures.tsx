import { useSyncExternalStore, type ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Stats } from "batchyard/client";
import type { Queues } from "../../data/wire.ts";
import { compact, count, percent, rate } from "../../figures/number.ts";
import { throughput } from "../../live/throughput.ts";
import { Spark } from "../../parts/spark.tsx";
import { FigureRow } from "../../parts/figure-row.tsx";

/** How it stands now. The first two move with the event stream. */
export function NowFigures({ queues, stats }: { queues: Queues; stats: Stats }): ReactElement {
  const speed = useSyncExternalStore(throughput.subscribe, throughput.get);
  const { summary } = queues;
  const failed = stats.byStatus["failed"] ?? 0;
  const ended = failed + (stats.byStatus["completed"] ?? 0);
  return (
    <FigureRow
      label="Now"
      figures={[
        {
          label: "Items a second",
          value: speed === null ? "—" : rate(speed.itemsPerSecond),
          below: <Spark values={speed?.course ?? []} />,
        },
        { label: "Batches a minute", value: speed === null ? "—" : rate(speed.batchesPerMinute), below: "mean of ten seconds" },
        { label: "Running", value: count(summary.total_running), below: `of ${count(summary.total_workers)} slots` },
        { label: "Waiting", value: compact(summary.total_queued), title: count(summary.total_queued), below: waitOf(queues) },
        {
          label: "Batches in all",
          value: compact(stats.total),
          title: count(stats.total),
          below: `${compact(stats.byStatus["completed"] ?? 0)} completed`,
        },
        {
          label: "Failed batches",
          value: compact(failed),
          title: count(failed),
          below:
            failed === 0 ? (
              "none"
            ) : (
              <Link to="/batches" search={{ status: "failed" }} className="link">
                {percent(failed / ended)} of the ended
              </Link>
            ),
        },
      ]}
    />
  );
}

function waitOf({ queues }: Queues): string {
  const longest = Math.max(0, ...queues.map((queue) => queue.oldest_job?.wait_seconds ?? 0));
  return longest === 0 ? "nothing waits" : `oldest ${rate(longest)} s`;
}
