import { useEffect, useRef, type ReactElement } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { preference } from "../theme/preference.ts";
import type { ChartProps } from "./chart.tsx";

type PlotProps = Required<Omit<ChartProps, "across">> & { across: ChartProps["across"] };

/** The drawn form of a chart, fed past React. */
export default function Plot({ title, times, series, height, format, across, stacked }: PlotProps): ReactElement {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ times, series, format, across, stacked });
  latest.current = { times, series, format, across, stacked };
  const shape = series.map((each) => `${each.label} ${each.color} ${each.area === true}`).join("|");

  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(element.clientWidth, height, latest.current), dataOf(latest.current), element);
    };
    draw();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    sized.observe(element);
    const unsubscribe = preference.subscribe(draw);
    return () => {
      unsubscribe();
      sized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, height]);

  useEffect(() => plot.current?.setData(dataOf({ times, series, stacked })), [times, series, stacked]);
  return (
    <div
      ref={holder}
      role="img"
      aria-label={`${title}; the button Table shows the figures`}
      style={{ height }}
      className="min-w-0 overflow-hidden"
    />
  );
}

const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** Of a stack the sums, the highest first: each lower one is drawn over it. */
function dataOf({ times, series, stacked }: Pick<PlotProps, "times" | "series" | "stacked">): uPlot.AlignedData {
  if (!stacked) return [[...times], ...series.map((each) => [...each.values])] as uPlot.AlignedData;
  const sums: number[][] = [];
  for (const { values } of series) sums.unshift(times.map((_, i) => (sums[0]?.[i] ?? 0) + (values[i] ?? 0)));
  return [[...times], ...sums] as uPlot.AlignedData;
}

type Latest = Pick<PlotProps, "series" | "format" | "across" | "stacked">;

function optionsOf(width: number, height: number, { series, format, across, stacked }: Latest): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis: uPlot.Axis = {
    stroke: color("soft"),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
  };
  const bars = uPlot.paths.bars?.({ size: [0.8, 28] });
  return {
    width,
    height,
    fmtDate: () => (date) => (date.getHours() + date.getMinutes() === 0 ? days : minutes).format(date),
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { x: { time: across === undefined }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 70,
        ...(across === undefined ? {} : { values: (_plot: uPlot, values: number[]) => values.map(across.format) }),
      },
      { ...axis, size: 52, space: 36, values: (_plot, values) => values.map((value) => (value === null ? "" : format(value))) },
    ],
    series: [
      {},
      ...(stacked ? series.toReversed() : series).map((each) => ({
        label: each.label,
        stroke: color(each.color),
        width: stacked ? 0 : 1.5,
        points: each.marks === true ? { show: true, size: 7, fill: color(each.color) } : { show: false },
        ...(each.marks === true ? { paths: () => null } : {}),
        ...(each.area === true ? { fill: `color-mix(in srgb, ${color(each.color)} 12%, transparent)` } : {}),
        ...(stacked && bars !== undefined ? { fill: color(each.color), paths: bars } : {}),
      })),
    ],
  };
}
