import { useEffect, useRef, type ReactElement } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { preference } from "../theme/preference.ts";
import type { ChartFlag, ChartProps, Hover, Series } from "./chart-props.ts";

type PlotProps = ChartProps & { height: number; onHover: (hover: Hover | null) => void };

/** The drawn form of a chart, fed past React. */
export default function Plot(props: PlotProps): ReactElement {
  const { title, times, series, height, span, flags } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = series
    .map((each) => `${each.label} ${each.color} ${each.area === true} ${each.shape} ${each.bandTo} ${each.marks === true}`)
    .join("|");

  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(
        optionsOf(element.clientWidth, () => latest.current),
        dataOf(latest.current),
        element,
      );
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

  useEffect(() => plot.current?.setData(dataOf({ times, series })), [times, series, span?.from, span?.to]);
  // As it stands: setting the scales anew would take what they are not yet.
  useEffect(() => plot.current?.redraw(false), [flags]);
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

/** Bars first and the highest of a stack before those that stand in front of it; then lines. */
function drawn(series: readonly Series[]): Series[] {
  return [...series.filter(isBar).toReversed(), ...series.filter((each) => !isBar(each))];
}

function isBar({ shape }: Series): boolean {
  return shape === "bar";
}

function dataOf({ times, series }: Pick<ChartProps, "times" | "series">): uPlot.AlignedData {
  const bars = series.filter(isBar);
  const stacked = (upTo: Series): (number | null)[] =>
    times.map((_, i) => {
      const below = bars.slice(0, bars.indexOf(upTo) + 1);
      if (bars.every(({ values }) => (values[i] ?? null) === null)) return null;
      return below.reduce((sum, { values }) => sum + (values[i] ?? 0), 0);
    });
  return [
    [...times],
    ...drawn(series).map((each) =>
      isBar(each) ? stacked(each) : each.sparse === true ? each.values.map((value) => value || null) : [...each.values],
    ),
  ] as uPlot.AlignedData;
}

/** In the chosen zone: uPlot reads a date's local fields, so that a date of the other zone is moved by the difference. */
function zoned(seconds: number): Date {
  const date = new Date(seconds * 1000);
  return preference.get().zone === "utc" ? new Date(date.getTime() + date.getTimezoneOffset() * 60_000) : date;
}

/** Between two lines of the grid: such as can be written short. */
const STEPS = Array.from({ length: 24 }, (_, n) => n - 8).flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));

const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const millis = new Intl.DateTimeFormat("en-GB", { minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** Exact enough that no two lines of the grid, so many seconds apart, are written the same. */
function timeLabel(at: number, apart: number): string {
  const date = zoned(at);
  if (apart < 1) return millis.format(date);
  if (apart < 60) return seconds.format(date);
  return (date.getHours() + date.getMinutes() === 0 ? days : minutes).format(date);
}

/** Characters of the longest label of an axis. */
function longest(values: readonly (string | number)[] | null): number {
  return Math.max(0, ...(values ?? []).map((value) => String(value).length));
}

function optionsOf(width: number, current: () => PlotProps): uPlot.Options {
  const { height, series, format, steps, group, across, onSpan } = current();
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis: uPlot.Axis = {
    stroke: color("soft"),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
  };
  const order = drawn(series);
  const tinted = (name: string, percent: number): string => `color-mix(in srgb, ${color(name)} ${percent}%, transparent)`;
  return {
    width,
    height,
    tzDate: zoned,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: onSpan !== undefined, y: false, setScale: false, dist: 8 },
      ...(group === undefined ? {} : { sync: { key: group } }),
      // A double click has nothing to take back: the stretch is in the address.
      bind: { dblclick: () => null },
    },
    select: { show: onSpan !== undefined, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: {
        time: across === undefined,
        range: (_plot, min, max) => {
          const { span, times } = current();
          if (span !== undefined) return [span.from, span.to];
          if (!current().series.some(isBar)) return [min, max];
          // Bars need room: of times up to the next one, of other values around them.
          const step = times.length > 1 ? (times[1] ?? 0) - (times[0] ?? 0) : across === undefined ? 60 : 1;
          return across === undefined ? [min, max + step] : [min - step / 2, max + step / 2];
        },
      },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 70,
        size: 26,
        values: (_plot, values, _axis, _space, apart) =>
          values.map(across === undefined ? (at: number): string => timeLabel(at, apart) : across.format),
      },
      {
        ...axis,
        size: (_plot, values) => Math.max(56, 14 + 6 * longest(values)),
        space: 36,
        incrs: [...(steps ?? STEPS)],
        values: (_plot, values) => values.map((value) => (value === null ? "" : format(value))),
      },
    ],
    bands: order.flatMap(({ bandTo, color: own }, i) => {
      const to = bandTo === undefined ? -1 : order.findIndex(({ label }) => label === bandTo);
      return to < 0 ? [] : [{ series: [i + 1, to + 1] as [number, number], fill: tinted(own, 16) }];
    }),
    series: [
      {},
      ...order.map((each): uPlot.Series => {
        const stroke = color(each.color);
        const common = { label: each.label, stroke, ...(each.dashed === true ? { dash: [4, 3] } : {}) };
        if (isBar(each)) {
          const paths = uPlot.paths.bars?.({ align: across === undefined ? 1 : 0, size: [0.82, 60, 1], gap: 0 });
          // Opaque, because of a stack the lower bars are drawn over the higher ones.
          const fill = each.faint === true ? `color-mix(in srgb, ${stroke} 45%, ${color("paper")})` : stroke;
          return { ...common, width: 0, fill, points: { show: false }, ...(paths === undefined ? {} : { paths }) };
        }
        if (each.marks === true) return { ...common, points: { show: true, size: 7, fill: stroke }, paths: () => null };
        // A point between two gaps is no line: it is drawn as a point.
        const points = { show: false, size: 4, fill: stroke, filter: lonely };
        return { ...common, width: 1.5, points, ...(each.area === true ? { fill: tinted(each.color, 12) } : {}) };
      }),
    ],
    hooks: {
      draw: [(plot) => drawFlags(plot, current().flags ?? [], color)],
      setCursor: [
        (plot) => {
          const { idx, left } = plot.cursor;
          const isThere = idx !== null && idx !== undefined && left !== undefined && left >= 0;
          current().onHover(isThere ? { index: idx, isLeft: left < plot.over.clientWidth / 2 } : null);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < 8) return;
          const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + wide, "x")];
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          current().onSpan?.({ from, to });
        },
      ],
    },
  };
}

function lonely(plot: uPlot, seriesIndex: number): number[] | null {
  const values = plot.data[seriesIndex];
  if (values === undefined) return null;
  const isGap = (i: number): boolean => (values[i] ?? null) === null;
  return [...values.keys()].filter((i) => !isGap(i) && isGap(i - 1) && isGap(i + 1));
}

function drawFlags(plot: uPlot, flags: readonly ChartFlag[], color: (name: string) => string): void {
  const { ctx, bbox } = plot;
  const x = (seconds: number): number => Math.min(bbox.left + bbox.width, Math.max(bbox.left, plot.valToPos(seconds, "x", true)));
  ctx.save();
  for (const { time, until, color: name } of flags) {
    const [from, to] = [x(time), until === null ? x(time) : x(until)];
    ctx.strokeStyle = ctx.fillStyle = color(name);
    ctx.globalAlpha = 0.12;
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
    ctx.globalAlpha = 0.9;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(from, bbox.top);
    ctx.lineTo(from, bbox.top + bbox.height);
    ctx.stroke();
    // A flag at the top, so that a mark is seen where lines cross it.
    const size = 5 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(from - size, bbox.top);
    ctx.lineTo(from + size, bbox.top);
    ctx.lineTo(from, bbox.top + 1.4 * size);
    ctx.fill();
  }
  ctx.restore();
}
