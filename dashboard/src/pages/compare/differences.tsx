import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Comparison } from "batchyard/client";
import { duration } from "../../figures/duration.ts";
import { count, money } from "../../figures/number.ts";
import { Section, Wide } from "../../parts/section.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";

const SHOWN = 50;

/** Figures of both, and the items whose outcome is not the same. */
export function Differences({ comparison }: { comparison: Comparison }): ReactElement {
  const { a, b, counts, deltas } = comparison;
  const signed = (value: number, written: (value: number) => string): string =>
    value === 0 ? "same" : `${value > 0 ? "+" : "−"}${written(Math.abs(value))}`;
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
      <Section title="Figures">
        <Wide label="Figures of both">
          <table className="table max-w-4xl">
            <thead>
              <tr>
                <th scope="col">Figure</th>
                {[a, b].map(({ batch }) => (
                  <th key={batch.id} scope="col" className="number">
                    <Link to="/batches/$id" params={{ id: batch.id }} className="link">
                      {batch.name ?? batch.id}
                    </Link>{" "}
                    <BatchStatusMark status={batch.status} />
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
      <Section
        title="Items"
        aside={`${count(counts.same)} the same, ${count(counts.changed)} changed, ${count(counts.added)} only in the second, ${count(counts.removed)} only in the first`}
      >
        {comparison.changed.length === 0 ? (
          <p className="text-soft">No item that is in both ended otherwise.</p>
        ) : (
          <ul className="flex flex-col">
            {comparison.changed.slice(0, SHOWN).map((item) => (
              <li key={item.nodeId} className="grid gap-3 border-b border-line py-3 lg:grid-cols-[10rem_minmax(0,1fr)_minmax(0,1fr)]">
                <code className="truncate">{item.nodeId}</code>
                {[item.a, item.b].map((value, i) => (
                  <pre
                    key={i}
                    className="max-h-40 overflow-auto text-sm leading-5 break-words whitespace-pre-wrap"
                    tabIndex={0}
                    aria-label={`${item.nodeId}, ${i === 0 ? "first" : "second"}`}
                  >
                    {JSON.stringify(value, null, 2)}
                  </pre>
                ))}
              </li>
            ))}
          </ul>
        )}
        {comparison.changed.length > SHOWN ? (
          <p className="text-sm text-soft">
            The first {SHOWN} of {count(counts.changed)}.
          </p>
        ) : null}
      </Section>
    </>
  );
}
