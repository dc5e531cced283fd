import { lazy, Suspense, useCallback, useMemo, useRef, useState, type ReactElement } from "react";
import { clockTime, fullTime, shortTime, zoneName } from "../figures/time.ts";
import type { ChartProps, Hover, Series } from "./chart-props.ts";
import { Icon } from "./icon.tsx";

// Drawn a moment after the figures: a first visit does not wait for the code of it.
const Plot = lazy(() => import("./plot.tsx"));

/** A chart, of time where nothing else is said. It is fed past React; behind it stands the same as a table, one press away. */
export function Chart({ stacked = false, ...given }: ChartProps): ReactElement {
  const { title, times, height = 200, image, actions } = given;
  const series = useMemo(
    () => (stacked ? given.series.map((each): Series => ({ ...each, shape: "bar" })) : given.series),
    [stacked, given.series],
  );
  const props = { ...given, series };
  const [asTable, showTable] = useState(false);
  const [hover, setHover] = useState<Hover | null>(null);
  const figure = useRef<HTMLElement>(null);
  const onHover = useCallback((next: Hover | null) => setHover(next), []);
  return (
    <figure ref={figure} className="flex min-w-0 flex-col gap-2">
      <figcaption className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft">
        {series.map((each) => (
          <span key={each.label} className="inline-flex items-center gap-1.5" data-legend={each.color}>
            <Swatch series={each} /> {each.label}
          </span>
        ))}
        <span className="ml-auto inline-flex flex-wrap items-center">
          {actions}
          {image === undefined || asTable ? null : (
            <button
              type="button"
              className="button button-quiet text-soft"
              onClick={() =>
                void import("./chart-image.ts").then(({ saveImage }) => {
                  if (figure.current !== null) void saveImage(figure.current, title, image);
                })
              }
            >
              PNG
            </button>
          )}
          <button type="button" className="button button-quiet text-soft" aria-pressed={asTable} onClick={() => showTable(!asTable)}>
            {asTable ? "Chart" : "Table"}
          </button>
        </span>
      </figcaption>
      {asTable ? (
        <ChartTable {...props} height={height} />
      ) : (
        <div className="relative min-w-0">
          <Suspense fallback={<div style={{ height }} />}>
            <Plot {...props} height={height} onHover={onHover} />
          </Suspense>
          {hover === null || times[hover.index] === undefined ? null : <Readout {...props} hover={hover} />}
        </div>
      )}
    </figure>
  );
}

function Swatch({ series }: { series: Series }): ReactElement {
  const own = `var(--${series.color})`;
  const shape =
    series.shape === "bar" ? "size-2.5 rounded-[2px]" : series.marks === true ? "size-2 rounded-full" : "h-[3px] w-3.5 rounded-full";
  const background =
    series.dashed === true
      ? `repeating-linear-gradient(90deg, ${own} 0 4px, transparent 4px 6px)`
      : series.faint === true
        ? `color-mix(in srgb, ${own} 45%, transparent)`
        : own;
  return <span className={shape} style={{ background }} />;
}

/** The figures at the pointer, on the half of the chart where it is not. */
function Readout({ times, series, format, flags, across, hover }: ChartProps & { hover: Hover }): ReactElement {
  const at = times[hover.index] ?? 0;
  const next = times[hover.index + 1] ?? at + (at - (times[hover.index - 1] ?? at));
  const near = (flags ?? []).filter((flag) =>
    flag.until === null ? flag.time >= at && flag.time < next : flag.time < next && flag.until >= at,
  );
  return (
    <div
      aria-hidden="true"
      className={`panel pointer-events-none absolute top-1 z-10 max-w-72 px-3 py-2 text-xs ${hover.isLeft ? "right-2" : "left-14"}`}
      style={{ boxShadow: "var(--shadow)" }}
    >
      <div className="figure mb-1 font-medium">
        {across !== undefined ? across.format(at) : next - at < 60 ? clockTime(at * 1000) : shortTime(at * 1000)}
      </div>
      {series.map((each) => (
        <div key={each.label} className="flex items-center gap-2">
          <Swatch series={each} /> <span className="text-soft">{each.label}</span>
          <span className="figure ml-auto pl-3">{valueText(each.values[hover.index], format)}</span>
        </div>
      ))}
      {near.map((flag) => (
        <div key={`${flag.time} ${flag.text}`} className="mt-1 flex items-start gap-1.5" style={{ color: `var(--${flag.color})` }}>
          <Icon name={flag.icon} className="mt-0.5" /> <span className="line-clamp-3">{flag.text}</span>
        </div>
      ))}
    </div>
  );
}

function valueText(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "—" : format(value);
}

function ChartTable({ title, times, series, format, across, height }: ChartProps & { height: number }): ReactElement {
  return (
    <div role="group" aria-label={`${title}, table`} tabIndex={0} className="relative overflow-auto" style={{ height }}>
      <table className="table">
        <caption className="sr-only">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{across?.label ?? `Time (${zoneName()})`}</th>
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
              {across === undefined ? (
                <td className="figure whitespace-nowrap" title={fullTime(time * 1000)}>
                  {shortTime(time * 1000)}
                </td>
              ) : (
                <td className="figure">{across.format(time)}</td>
              )}
              {series.map((each) => (
                <td key={each.label} className="number">
                  {valueText(each.values[i], format)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
