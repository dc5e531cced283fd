import type { ReactElement } from "react";

const WIDTH = 96;
const HEIGHT = 22;

/** The course of a figure as a line without axes; the figure itself stands beside it. */
export function Spark({ values }: { values: readonly number[] }): ReactElement {
  if (values.length < 2) return <span className="block h-[22px]" />;
  const most = Math.max(...values, 1e-9);
  const points = values.map(
    (value, i) => `${((i * WIDTH) / (values.length - 1)).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`,
  );
  return (
    <svg aria-hidden="true" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="block h-[22px] w-full text-accent">
      <polyline points={points.join(" ")} fill="none" stroke="currentColor" strokeWidth="1.25" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
