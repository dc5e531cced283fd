import type { ReactElement } from "react";

const WIDTH = 96;
const HEIGHT = 22;

/** The course of a figure as a line without axes; the figure itself stands beside it. What is not known is left open. */
export function Spark({ values }: { values: readonly (number | null)[] }): ReactElement {
  const most = Math.max(...values.map((value) => value ?? 0), 1e-9);
  const x = (at: number): number => (at * WIDTH) / Math.max(1, values.length - 1);
  const runs: string[][] = [[]];
  values.forEach((value, at) => {
    if (value === null) runs.push([]);
    else runs.at(-1)!.push(`${x(at).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`);
  });
  return (
    <svg aria-hidden="true" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="block h-[22px] w-full text-accent">
      {runs
        .filter((points) => points.length > 0)
        .map((points) => (
          <polyline
            key={points[0]}
            // One point alone is a line of no length, which its round cap makes a dot.
            points={(points.length === 1 ? [points[0], points[0]] : points).join(" ")}
            fill="none"
            stroke="currentColor"
            strokeWidth={points.length === 1 ? 3 : 1.25}
            strokeLinecap="round"
            vectorEffect="non-scaling-stroke"
          />
        ))}
    </svg>
  );
}
