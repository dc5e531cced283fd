import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { ClientError } from "batchyard/client";
import { monitoringQuery } from "../../data/queries.ts";
import type { Monitoring } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { compact, count, money, percent } from "../../figures/number.ts";
import { Awaited } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { Change, type Figure, FigureRow } from "../../parts/figure-row.tsx";
import { DayCharts } from "./day-charts.tsx";
import { QueueStatus } from "./queue-status.tsx";
import { type Range, RANGES } from "./search.ts";

const NAMES: Readonly<Record<Range, string>> = { "1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days" };

/** A span of time against the one before it: figures with their change, and the course of the work. */
export function Day(): ReactElement | null {
  const range = useSearch({ from: "/" }).range ?? "24h";
  const { data, error, refetch } = useQuery(monitoringQuery(range));
  // Monitoring is for admins; who may not read it is not shown an error for it.
  if (error instanceof ClientError && error.status === 403) return null;
  return (
    <Section
      title={NAMES[range]}
      aside={
        <nav aria-label="Range" className="flex gap-1">
          {RANGES.map((each) => (
            <Link
              key={each}
              to="/"
              search={{ range: each }}
              resetScroll={false}
              aria-current={each === range}
              className={`rounded-sm px-2 py-0.5 ${each === range ? "bg-wash font-medium text-ink" : "hover:text-ink"}`}
            >
              {each}
            </Link>
          ))}
        </nav>
      }
    >
      {data !== undefined ? (
        <>
          <FigureRow label={NAMES[range]} figures={figuresOf(data)} />
          <QueueStatus queues={data.queues} range={NAMES[range].toLowerCase()} />
          <DayCharts points={data.historical} range={NAMES[range].toLowerCase()} />
        </>
      ) : (
        <Awaited error={error} lines={20} label="Loading figures" retry={() => void refetch()} />
      )}
    </Section>
  );
}

function figuresOf({ summary, performance, changes }: Monitoring): Figure[] {
  const change = (name: string, goodWhen: "up" | "down" | "either") => {
    const moved = changes[name];
    return moved === undefined ? undefined : <Change percent={moved.percent} trend={moved.trend} goodWhen={goodWhen} />;
  };
  return [
    { label: "Batches", value: compact(summary.totalJobs), title: count(summary.totalJobs), below: change("totalJobs", "either") },
    {
      label: "Items",
      value: compact(summary.totalRequests),
      title: count(summary.totalRequests),
      below: change("totalRequests", "either"),
    },
    { label: "Success", value: percent(summary.successRate / 100), below: change("successRate", "up") },
    { label: "Mean run time", value: duration(summary.averageProcessingTime), below: change("averageProcessingTime", "down") },
    { label: "Items an hour", value: compact(performance.throughput.requestsPerHour), below: change("requestsPerHour", "either") },
    {
      label: "Saved",
      value: money(summary.costSavings.currentPeriod),
      below: summary.costSavings.currentPeriod === 0 ? "against single requests" : `${summary.costSavings.savingsPercentage} % less`,
    },
  ];
}
