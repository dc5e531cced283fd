import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Stream } from "batchyard/client";
import { overviewQuery } from "../../data/queries.ts";
import { duration } from "../../figures/duration.ts";
import { compact, count, percent, plural, rate } from "../../figures/number.ts";
import { FigureRow } from "../../parts/figure-row.tsx";
import { Trend } from "../../parts/trend.tsx";
import { BOTTLENECK_LOOK } from "../../streams/bottleneck-mark.tsx";

/** How it does now: rates and times of the last 15 minutes. */
export function Figures({ stream }: { stream: Stream }): ReactElement {
  const { data } = useQuery(overviewQuery);
  const told = data?.streams.find((each) => each.name === stream.name);
  const queue = data?.queues.find((each) => each.name === told?.operation);
  const seconds = (value: number | null | undefined): string => (value === null || value === undefined ? "—" : duration(value * 1000));
  return (
    <FigureRow
      label="Last 15 minutes"
      figures={[
        {
          label: "Open windows",
          value: compact(stream.open_windows),
          title: count(stream.open_windows),
          below: `${plural(stream.open_items, "item")} in them`,
        },
        {
          label: "Items",
          value: told === undefined ? "—" : `${rate(told.items_per_minute)}/min`,
          below: stream.dropped_items > 0 ? `${count(stream.dropped_items)} dropped since the start` : "came in",
        },
        {
          label: "Closed",
          value: told === undefined ? "—" : `${rate(told.closures_per_minute)}/min`,
          below: told === undefined || told.age_mean_seconds === null ? "windows" : `${seconds(told.age_mean_seconds)} old in the mean`,
        },
        {
          label: "Queue",
          value: told === undefined ? "—" : count(told.depth),
          below: (
            <>
              {queue === undefined ? null : <Trend change={queue.growth.m5} over="in 5 minutes" />}
              {told === undefined ? "" : `wait p95 ${seconds(told.wait_p95_seconds)}`}
            </>
          ),
        },
        {
          label: "Failed",
          value: told === undefined || told.failure_percent === null ? "—" : percent(told.failure_percent / 100),
          below: "of the items of its batches",
        },
        {
          label: "Bottleneck",
          value: told?.bottleneck === null || told === undefined ? "—" : BOTTLENECK_LOOK[told.bottleneck.kind].word,
          ...(told?.bottleneck === null || told === undefined ? {} : { title: told.bottleneck.sentence }),
          below:
            told?.bottleneck === null || told === undefined ? (
              "nothing ended lately"
            ) : (
              <Link to="/flow" search={{ stream: stream.name }} className="link">
                where its time goes
              </Link>
            ),
        },
      ]}
    />
  );
}
