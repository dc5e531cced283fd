import type { CSSProperties, ReactElement, ReactNode } from "react";
import { Icon } from "./icon.tsx";

export interface Figure {
  label: string;
  value: string;
  /** The exact figure, when `value` is shortened. */
  title?: string;
  below?: ReactNode;
}

// More of them stand in two rows: each needs room for a time in two units.
const MOST_IN_A_ROW = 7;

/** Key figures side by side, parted by hairlines. */
export function FigureRow({ label, figures }: { label: string; figures: readonly Figure[] }): ReactElement {
  const inRow = figures.length > MOST_IN_A_ROW ? Math.ceil(figures.length / 2) : figures.length;
  return (
    <dl
      aria-label={label}
      className="grid grid-cols-2 overflow-hidden border-y border-line sm:grid-cols-3 xl:grid-cols-[repeat(var(--figures),minmax(0,1fr))]"
      style={{ "--figures": inRow } as CSSProperties}
    >
      {figures.map((figure, i) => (
        <div
          key={figure.label}
          className={`-mr-px -mb-px flex min-w-0 flex-col gap-0.5 border-r border-b border-line py-4 pr-4 pl-4 ${i % inRow === 0 ? "xl:pl-0" : ""}`}
        >
          <dt className="text-sm text-soft">{figure.label}</dt>
          <dd className="figure truncate text-2xl font-semibold tracking-[-0.02em]" title={figure.title}>
            {figure.value}
          </dd>
          <dd className="min-h-5 text-sm text-soft">{figure.below}</dd>
        </div>
      ))}
    </dl>
  );
}

/** How far a figure moved, with the direction as a word for who does not see the arrow. `goodWhen` decides the tone. */
export function Change(props: { percent: number | null; trend: "up" | "down" | "flat"; goodWhen: "up" | "down" | "either" }): ReactElement {
  const { percent, trend, goodWhen } = props;
  if (percent === null) return <span>nothing before</span>;
  const tone = trend === "flat" || goodWhen === "either" ? "text-soft" : trend === goodWhen ? "text-good" : "text-bad";
  return (
    <span className={`figure inline-flex items-center gap-1 ${tone}`}>
      <Icon name={trend === "flat" ? "flat" : trend} />
      <span className="sr-only">{trend}</span>
      {Math.abs(percent) >= 1_000 ? "> 999" : Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)} %
    </span>
  );
}
