import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { duration, durationSteps } from "../../figures/duration.ts";
import { compact, count, percent, plural } from "../../figures/number.ts";
import { Chart } from "../../parts/chart.tsx";
import type { Series } from "../../parts/chart-props.ts";
import { Fault, Loading } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { Keys } from "./keys.tsx";
import { type History, metricQuery } from "./queries.ts";
import { type Range, RANGES } from "./search.ts";

/** Of the reasons; two that seldom meet share one. */
const COLORS: Readonly<Record<string, Series["color"]>> = {
  timeout: "busy",
  idle: "good",
  max_size: "warn",
  max_bytes: "accent",
  schedule: "accent",
  fast_path: "bad",
};

/** What came, when windows closed and why, how old they were. */
export function Traffic({ name }: { name: string }): ReactElement {
  const range: Range = useSearch({ from: "/streams/$name" }).range ?? "24h";
  const closed = useQuery(metricQuery(name, "windows_closed_total", range));
  const items = useQuery(metricQuery(name, "stream_items_received_total", range));
  const age = useQuery(metricQuery(name, "window_age_seconds", range));
  const size = useQuery(metricQuery(name, "window_size_items", range));
  const all = [closed, items, age, size];
  const fault = all.find((query) => query.data === undefined && query.error !== null);
  if (fault !== undefined) return <Fault error={fault.error} retry={() => void Promise.all(all.map((query) => query.refetch()))} />;
  if (closed.data === undefined || items.data === undefined || age.data === undefined || size.data === undefined)
    return <Loading lines={10} label="Loading the traffic" />;
  return (
    <div className="flex flex-col gap-10">
      <Reasons name={name} range={range} closed={closed.data} />
      <div className="grid gap-x-10 gap-y-10 lg:grid-cols-2">
        <Section
          title="Items"
          aside={`${plural(items.data.current.whole.value ?? 0, "item")} came, ${count(closed.data.current.whole.value ?? 0)} windows closed`}
        >
          <Chart
            title="Items that came"
            times={timesOf(items.data)}
            series={[
              {
                label: `Items, every ${duration(items.data.width_seconds * 1000)}`,
                color: "accent",
                area: true,
                values: valuesOf(items.data),
              },
            ]}
            format={compact}
          />
        </Section>
        <Ages age={age.data} size={size.data} />
      </div>
      <Keys name={name} range={range} />
    </div>
  );
}

function Reasons({ name, range, closed }: { name: string; range: Range; closed: History }): ReactElement {
  const { points, whole } = closed.current;
  const total = whole.value ?? 0;
  const reasons = Object.entries(whole.parts ?? {})
    .filter(([, windows]) => windows > 0)
    .sort(([, a], [, b]) => b - a);
  return (
    <Section
      title="Why windows closed"
      aside={
        <nav aria-label="Range" className="flex gap-1">
          {RANGES.map((each) => (
            <Link
              key={each}
              to="/streams/$name"
              params={{ name }}
              search={{ tab: "traffic", range: each }}
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
      {total === 0 ? (
        <p className="text-soft">No window closed in this time.</p>
      ) : (
        <>
          <ul className="figure flex flex-wrap gap-x-6 gap-y-1 text-sm">
            {reasons.map(([reason, windows]) => (
              <li key={reason}>
                {wordsOf(reason)}{" "}
                <span className="text-soft">
                  {count(windows)}, {percent(windows / total)}
                </span>
              </li>
            ))}
          </ul>
          <Chart
            title="Windows closed, by reason"
            stacked
            times={points.map((point) => Date.parse(point.timestamp) / 1000)}
            series={reasons.map(([reason]) => ({
              label: wordsOf(reason),
              color: COLORS[reason] ?? "soft",
              values: points.map((point) => point.parts?.[reason] ?? 0),
            }))}
            format={compact}
          />
        </>
      )}
    </Section>
  );
}

function Ages({ age, size }: { age: History; size: History }): ReactElement {
  const { points, whole } = age.current;
  const seconds = (value: number | undefined): string => (value === undefined ? "—" : duration(value * 1000));
  const items = size.current.whole;
  return (
    <Section
      title="Age at closure"
      aside={items.value === null ? undefined : `${compact(Math.round(items.value))} items a window in the mean`}
    >
      {whole.value === null ? (
        <p className="text-soft">No window closed in this time.</p>
      ) : (
        <>
          <p className="figure text-sm">
            p50 {seconds(whole.p50)} <span className="text-soft">·</span> p95 {seconds(whole.p95)} <span className="text-soft">·</span> p99{" "}
            {seconds(whole.p99)} <span className="text-soft">·</span> longest {seconds(whole.max)}
          </p>
          <Chart
            title="Age of windows when they closed"
            times={timesOf(age)}
            series={[
              { label: "p50", color: "good", values: points.map((point) => point.p50 ?? null) },
              { label: "p95", color: "busy", values: points.map((point) => point.p95 ?? null) },
              { label: "p99", color: "warn", values: points.map((point) => point.p99 ?? null) },
            ]}
            format={(value) => duration(value * 1000)}
            steps={durationSteps(1_000)}
            height={168}
          />
        </>
      )}
    </Section>
  );
}

function timesOf(history: History): number[] {
  return history.current.points.map((point) => Date.parse(point.timestamp) / 1000);
}

function valuesOf(history: History): (number | null)[] {
  return history.current.points.map((point) => point.value);
}

function wordsOf(reason: string): string {
  return reason.replaceAll("_", " ");
}
