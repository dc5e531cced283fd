import type { CSSProperties, ReactElement, ReactNode } from "react";
import { compact } from "../figures/number.ts";
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
  // As few holes as there can be: six are three and three, seven four and three.
  const byThree = figures.length % 3 === 0 || figures.length === 5;
  const columns = byThree ? "sm:grid-cols-3" : "md:grid-cols-4";
  const flush = byThree ? "max-sm:odd:pl-0 sm:max-xl:nth-[3n+1]:pl-0" : "max-md:odd:pl-0 md:max-xl:nth-[4n+1]:pl-0";
  const inRow = figures.length > MOST_IN_A_ROW ? Math.ceil(figures.length / 2) : figures.length;
  return (
    <dl
      aria-label={label}
      className={`figures grid grid-cols-2 overflow-hidden border-y border-line ${columns} xl:grid-cols-[repeat(var(--figures),minmax(0,1fr))]`}
      style={{ "--figures": inRow } as CSSProperties}
    >
      {figures.map((figure, i) => (
        <div
          key={figure.label}
          className={`-mr-px -mb-px flex min-w-0 flex-col gap-0.5 border-r border-b border-line py-4 pr-4 pl-4 ${flush} ${i % inRow === 0 ? "xl:pl-0" : ""}`}
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

/**
 * How far a figure moved, in percent or, from about ten times on, as a multiple; the direction as a word for who does not see the
 * arrow. `goodWhen` decides the tone.
 */
export function Change(props: { percent: number | null; trend: "up" | "down" | "flat"; goodWhen: "up" | "down" | "either" }): ReactElement {
  const { percent, trend, goodWhen } = props;
  if (percent === null) return <span>nothing before</span>;
  const tone = trend === "flat" || goodWhen === "either" ? "text-soft" : trend === goodWhen ? "text-good" : "text-bad";
  return (
    <span className={`figure inline-flex items-baseline gap-1 ${tone}`}>
      <Icon name={trend === "flat" ? "flat" : trend} className="self-center" />
      <span className="sr-only">{trend}</span>
      {percent >= 1_000 ? `${compact(1 + percent / 100)}×` : `${Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`}
    </span>
  );
}
