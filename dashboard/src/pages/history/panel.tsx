import { useMemo, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { durationSteps } from "../../figures/duration.ts";
import { Chart } from "../../parts/chart.tsx";
import type { ChartFlag } from "../../parts/chart-props.ts";
import { Change } from "../../parts/figure-row.tsx";
import { Fault, Loading } from "../../parts/notice.tsx";
import { formatOf, titleOf } from "./names.ts";
import { historyQuery, type History } from "./queries.ts";
import { withSpan } from "./range-bar.tsx";
import type { HistorySearch } from "./search.ts";
import { addsUp, seriesOf } from "./series.ts";

const HEIGHT = 170;

/** One metric among others: its sum or mean, and its course. */
export function Panel({ metric, search, marks }: { metric: string; search: HistorySearch; marks: readonly ChartFlag[] }): ReactElement {
  const { data, error, refetch } = useQuery(historyQuery(metric, undefined, search));
  return (
    <section aria-label={titleOf(metric)} className="flex min-w-0 flex-col gap-2 border-t border-line pt-4">
      <header className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 className="text-base!">
          <Link to="/history" search={{ ...search, metric }} className="hover:underline" title={data?.help}>
            {titleOf(metric)}
          </Link>
        </h2>
        {data === undefined ? null : <Whole history={data} />}
      </header>
      {data !== undefined ? (
        <HistoryChart history={data} search={search} marks={marks} height={HEIGHT} />
      ) : error === null ? (
        <div style={{ height: HEIGHT }}>
          <Loading lines={4} label={`Loading ${titleOf(metric)}`} />
        </div>
      ) : (
        <Fault error={error} retry={() => void refetch()} />
      )}
    </section>
  );
}

/** The figure of the whole time: of counters the sum, of times their 95th percentile, of the rest the mean. */
function Whole({ history }: { history: History }): ReactElement | null {
  const { type, unit, current, change_percent: percent } = history;
  const value = type === "histogram" ? (current.whole.p95 ?? null) : current.whole.value;
  if (value === null) return <span className="text-sm text-soft">no figures in this time</span>;
  if (!addsUp(history)) return null;
  return (
    <span className="figure inline-flex items-baseline gap-2 text-sm text-soft">
      <span>
        <span className="text-ink">{formatOf(unit)(value)}</span> {type === "counter" ? "in all" : type === "gauge" ? "in the mean" : "p95"}
      </span>
      {type === "histogram" || percent === null ? null : (
        <Change percent={percent} trend={percent > 0 ? "up" : percent < 0 ? "down" : "flat"} goodWhen="either" />
      )}
    </span>
  );
}

/** A history as a chart; a stretch drawn over with the pointer becomes the time that is shown. */
export function HistoryChart(props: {
  history: History;
  search: HistorySearch;
  marks: readonly ChartFlag[];
  height: number;
  image?: string;
}): ReactElement {
  const { history, search, marks, height, image } = props;
  const navigate = useNavigate();
  const compare = search.compare === "yes";
  const series = useMemo(() => seriesOf(history, { part: search.part, compare }), [history, search.part, compare]);
  const times = useMemo(() => history.current.points.map(({ timestamp }) => Date.parse(timestamp) / 1000), [history]);
  const span = { from: Date.parse(history.current.from) / 1000, to: Date.parse(history.current.to) / 1000 };
  return (
    <Chart
      title={titleOf(history.metric)}
      times={times}
      series={series}
      format={formatOf(history.unit)}
      {...(history.unit === "seconds" ? { steps: durationSteps(1_000) } : {})}
      height={height}
      span={span}
      flags={marks}
      group="history"
      {...(image === undefined ? {} : { image })}
      onSpan={({ from, to }) =>
        void navigate({ to: "/history", search: withSpan(search, { from: from * 1000, to: to * 1000 }), resetScroll: false })
      }
    />
  );
}
