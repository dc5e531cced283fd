import type { ReactElement, ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { Comparison } from "batchyard/client";
import { duration } from "../../figures/duration.ts";
import { count, money } from "../../figures/number.ts";
import { FigureRow } from "../../parts/figure-row.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";

const KEYS_SHOWN = 200;

/** How many items ended otherwise, the figures of both, then the items themselves. */
export function Differences({ comparison, children }: { comparison: Comparison; children: ReactNode }): ReactElement {
  const { a, b, counts, deltas } = comparison;
  const signed = (value: number, written: (value: number) => string): string =>
    value === 0
      ? "same"
      : written(Math.abs(value)) === written(0)
        ? "nearly the same"
        : `${value > 0 ? "+" : "−"}${written(Math.abs(value))}`;
  const score = (value: number | null): string => value?.toFixed(2) ?? "—";
  const rows: [string, string, string, string][] = [
    ["Succeeded", count(a.summary.successful), count(b.summary.successful), signed(deltas.successful, count)],
    ["Failed", count(a.summary.failed), count(b.summary.failed), signed(deltas.failed, count)],
    ["Mean time of an item", duration(a.summary.performanceMetrics.averageDuration), duration(b.summary.performanceMetrics.averageDuration), signed(deltas.averageDuration, duration)], // prettier-ignore
    ["Quality", score(a.summary.qualityScore), score(b.summary.qualityScore), deltas.qualityScore === null ? "—" : signed(deltas.qualityScore, (value) => value.toFixed(2))], // prettier-ignore
    ["Cost", money(a.batch.cost), money(b.batch.cost), signed(deltas.cost, money)],
  ];
  return (
    <>
      <FigureRow
        label="Items"
        figures={[
          {
            label: "Changed",
            value: count(counts.changed),
            below: `${count(counts.fixed)} now succeed, ${count(counts.broken)} now fail`,
          },
          { label: "The same", value: count(counts.same), below: "in both" },
          { label: "Only in the first", value: count(counts.removed) },
          { label: "Only in the second", value: count(counts.added) },
        ]}
      />
      <Section title="Figures">
        <Wide sideways label="Figures of both">
          <table className="table max-w-4xl [&_thead_th]:align-bottom [&_td:last-child]:whitespace-normal [&_th]:whitespace-normal">
            <thead>
              <tr>
                <th scope="col">Figure</th>
                {[a, b].map(({ batch }) => (
                  <th key={batch.id} scope="col" className="number">
                    <Link to="/batches/$id" params={{ id: batch.id }} className="link break-words">
                      {batch.name ?? batch.id}
                    </Link>{" "}
                    <span className="block">
                      <BatchStatusMark status={batch.status} />
                    </span>
                  </th>
                ))}
                <th scope="col" className="number">
                  Second against first
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(([name, first, second, delta]) => (
                <tr key={name}>
                  <th scope="row" className="text-left font-normal">
                    {name}
                  </th>
                  <td className="number">{first}</td>
                  <td className="number">{second}</td>
                  <td className="number">{delta}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </Section>
      {children}
      <Keys title="Only in the first" keys={comparison.removed} total={counts.removed} />
      <Keys title="Only in the second" keys={comparison.added} total={counts.added} />
    </>
  );
}

/** Items that one of the two does not have. */
function Keys({ title, keys, total }: { title: string; keys: readonly string[]; total: number }): ReactElement | null {
  if (total === 0) return null;
  return (
    <details className="border-t border-line pt-5">
      <summary className="text-lg font-semibold">
        {title} <span className="figure text-sm font-normal text-soft">{count(total)}</span>
      </summary>
      <p className="mt-3 flex flex-wrap gap-x-3 gap-y-1 text-sm">
        {keys.slice(0, KEYS_SHOWN).map((key) => (
          <code key={key} className="break-all">
            {key}
          </code>
        ))}
        {total > KEYS_SHOWN ? <span className="text-soft">and {count(total - KEYS_SHOWN)} more</span> : null}
      </p>
    </details>
  );
}
