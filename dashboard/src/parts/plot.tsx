import { useEffect, useRef, type ReactElement } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { preference } from "../theme/preference.ts";
import type { ChartProps } from "./chart.tsx";

/** The drawn form of a chart, fed past React. */
export default function Plot({ title, times, series, height, format }: Required<ChartProps>): ReactElement {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ times, series, format });
  latest.current = { times, series, format };
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

  useEffect(() => plot.current?.setData(dataOf({ times, series })), [times, series]);
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

function dataOf({ times, series }: Pick<ChartProps, "times" | "series">): uPlot.AlignedData {
  return [[...times], ...series.map((each) => [...each.values])] as uPlot.AlignedData;
}

function optionsOf(width: number, height: number, { series, format }: Pick<ChartProps, "series" | "format">): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis: uPlot.Axis = {
    stroke: color("soft"),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    fmtDate: () => (date) => (date.getHours() + date.getMinutes() === 0 ? days : minutes).format(date),
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70 },
      { ...axis, size: 52, space: 36, values: (_plot, values) => values.map((value) => (value === null ? "" : format(value))) },
    ],
    series: [
      {},
      ...series.map((each) => ({
        label: each.label,
        stroke: color(each.color),
        width: 1.5,
        points: { show: false },
        ...(each.area === true ? { fill: `color-mix(in srgb, ${color(each.color)} 12%, transparent)` } : {}),
      })),
    ],
  };
}
