import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ClientError } from "batchyard/client";
import { duration } from "../../figures/duration.ts";
import type { ChartFlag } from "../../parts/chart-props.ts";
import { CopyButton, copyText } from "../../parts/copy.tsx";
import { Change, type Figure, FigureRow } from "../../parts/figure-row.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { formatOf } from "./names.ts";
import { HistoryChart } from "./panel.tsx";
import { historyParameters, historyQuery, type History } from "./queries.ts";
import type { HistorySearch } from "./search.ts";
import { addsUp } from "./series.ts";

const HEIGHT = 380;

/** One metric, large: its figures, its course, and ways to take both elsewhere. */
export function MetricView({
  search,
  metric,
  marks,
}: {
  search: HistorySearch;
  metric: string;
  marks: readonly ChartFlag[];
}): ReactElement {
  const { data, error, refetch } = useQuery(historyQuery(metric, search.source, search));
  if (data === undefined) {
    if (error === null) return <Loading lines={10} label="Loading figures" />;
    if (error instanceof ClientError && error.status === 400)
      return (
        <Empty title={isOfName(error) ? `There is no metric “${metric}”` : "This cannot be drawn"}>
          {isOfName(error) ? "Choose one above, or see" : `${error.details[0]?.message ?? error.message}.`}{" "}
          <Link to="/history" className="link">
            several at a glance
          </Link>
          .
        </Empty>
      );
    return <Fault error={error} retry={() => void refetch()} />;
  }
  const isKnown = data.current.points.some(({ value }) => value !== null);
  return (
    <div className="flex flex-col gap-6">
      <p className="max-w-prose text-soft">{data.help}.</p>
      <FigureRow label="Of the whole time" figures={figuresOf(data, search)} />
      <HistoryChart history={data} search={search} marks={marks} height={HEIGHT} image={`${metric}.png`} />
      {isKnown ? null : (
        <p className="text-soft">Nothing was recorded in this time. The chart leaves open what is not known: it draws no zeros there.</p>
      )}
      <div className="flex flex-wrap gap-2">
        <a className="button" href={`/api/system/history?${csvQuery(metric, search)}`} download>
          <Icon name="download" /> CSV
        </a>
        <button type="button" className="button" onClick={() => void copyText(window.location.href, "Link")}>
          <Icon name="copy" /> Link to this view
        </button>
      </div>
      <Section title="The same in Prometheus" aside={`points of ${duration(data.width_seconds * 1000)}`}>
        <div className="panel flex items-center gap-2 py-1 pr-1 pl-4">
          <pre tabIndex={0} aria-label="PromQL" className="min-w-0 flex-1 overflow-x-auto py-2 text-sm">
            {data.promql}
          </pre>
          <CopyButton text={data.promql} what="PromQL" />
        </div>
      </Section>
    </div>
  );
}

/** The server's own words for a wrong name are the list of all right ones, which stands above. */
function isOfName(error: ClientError): boolean {
  return error.details.some(({ path }) => path === "metric");
}

function csvQuery(metric: string, search: HistorySearch): string {
  const parameters = new URLSearchParams({ format: "csv" });
  for (const [name, value] of Object.entries(historyParameters(metric, search.source, search)))
    if (value !== undefined) parameters.set(name, value);
  return parameters.toString();
}

function figuresOf(history: History, { part }: HistorySearch): Figure[] {
  const { type, current, previous } = history;
  const format = formatOf(history.unit);
  const exact = (label: string, value: number | null | undefined, below?: Figure["below"]): Figure => ({
    label,
    value: value === null || value === undefined ? "—" : format(value),
    ...(value === null || value === undefined ? {} : { title: String(value) }),
    below,
  });
  const moved = (now: number | null, before: number | null, percent: number | null): Figure["below"] =>
    before === null ? (
      "nothing before"
    ) : (
      <span className="inline-flex flex-wrap items-baseline gap-x-2">
        {percent === null || now === null ? null : <Change percent={percent} trend={trendOf(percent)} goodWhen="either" />}
        <span className="figure">{format(before)} before</span>
      </span>
    );
  if (part !== undefined && type === "counter") {
    const of = (range: History["current"]): number | null => (range.whole.value === null ? null : (range.whole.parts?.[part] ?? 0));
    return [exact(`${titled(part)}, in all`, of(current), moved(of(current), of(previous), null))];
  }
  const { whole } = current;
  const change = moved(whole.value, previous.whole.value, history.change_percent);
  if (type === "counter") {
    const parts = Object.entries(whole.parts ?? {}).toSorted(([, a], [, b]) => b - a);
    const shares = parts.slice(0, MOST_PARTS).map(([name, value]) => exact(titled(name), value));
    return addsUp(history) ? [exact("In all", whole.value, change), ...shares] : shares;
  }
  return [
    exact("Mean", whole.value, change),
    exact("p50", whole.p50),
    exact("p95", whole.p95),
    exact("p99", whole.p99),
    exact("Most", whole.max),
  ];
}

const MOST_PARTS = 5;

function titled(part: string): string {
  const words = part.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function trendOf(percent: number): "up" | "down" | "flat" {
  return percent > 0 ? "up" : percent < 0 ? "down" : "flat";
}
