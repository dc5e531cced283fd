import { lazy, Suspense, useState, type ReactElement } from "react";

// Drawn a moment after the figures: a first visit does not wait for the code of it.
const Plot = lazy(() => import("./plot.tsx"));

export interface Series {
  label: string;
  /** Name of a colour of the theme: "accent", "bad" … */
  color: "accent" | "good" | "busy" | "warn" | "bad" | "soft";
  values: readonly (number | null)[];
  /** Fill down to the axis. */
  area?: boolean;
  /** Single marks, no line. */
  marks?: boolean;
}

export interface ChartProps {
  title: string;
  /** Unix seconds, ascending; with `across` values of its unit. */
  times: readonly number[];
  series: readonly Series[];
  height?: number;
  /** How a value is written on the axis and in the table. */
  format: (value: number) => string;
  /** What runs from left to right when it is not time. */
  across?: { label: string; format: (value: number) => string };
  /** Bars, each series upon the one before. */
  stacked?: boolean;
}

/** A chart, of time where nothing else is said. It is fed past React; behind it stands the same as a table, one press away. */
export function Chart({ title, times, series, height = 200, format, across, stacked = false }: ChartProps): ReactElement {
  const [asTable, showTable] = useState(false);
  return (
    <figure className="flex min-w-0 flex-col gap-2">
      <figcaption className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft">
        {series.map((each) => (
          <span key={each.label} className="inline-flex items-center gap-1.5">
            <span className="h-[3px] w-3.5 rounded-full" style={{ background: `var(--${each.color})` }} /> {each.label}
          </span>
        ))}
        <button type="button" className="button button-quiet ml-auto text-soft" aria-pressed={asTable} onClick={() => showTable(!asTable)}>
          {asTable ? "Chart" : "Table"}
        </button>
      </figcaption>
      {asTable ? (
        <ChartTable title={title} times={times} series={series} format={format} height={height} across={across} />
      ) : (
        <Suspense fallback={<div style={{ height }} />}>
          <Plot title={title} times={times} series={series} format={format} height={height} across={across} stacked={stacked} />
        </Suspense>
      )}
    </figure>
  );
}

type Drawn = Required<Omit<ChartProps, "across" | "stacked">> & { across: ChartProps["across"] };

function ChartTable({ title, times, series, format, height, across }: Drawn): ReactElement {
  return (
    <div role="group" aria-label={`${title}, table`} tabIndex={0} className="relative overflow-auto" style={{ height }}>
      <table className="table">
        <caption className="sr-only">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{across?.label ?? "Time"}</th>
            {series.map((each) => (
              <th key={each.label} scope="col" className="number">
                {each.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((time, i) => (
            <tr key={`${time} ${i}`}>
              <td className="figure">{across?.format(time) ?? new Date(time * 1000).toLocaleString()}</td>
              {series.map((each) => (
                <td key={each.label} className="number">
                  {each.values[i] === null || each.values[i] === undefined ? "—" : format(each.values[i])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
