import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { vizQuery } from "../../data/queries.ts";
import { count, percent } from "../../figures/number.ts";
import { Section } from "../../parts/section.tsx";

/** How good the results are, where they carry a score. */
export function Quality({ id }: { id: string }): ReactElement | null {
  const { data } = useQuery(vizQuery(id));
  const ranges = data?.qualityDistribution ?? [];
  if (!ranges.some((range) => range.count > 0)) return null;
  const most = Math.max(...ranges.map((range) => range.count));
  return (
    <Section title="Quality" aside="of the results that carry a score, best first">
      <table className="table max-w-3xl">
        <thead>
          <tr>
            <th scope="col" className="w-24">
              Score
            </th>
            <th scope="col">
              <span className="sr-only">Bar</span>
            </th>
            <th scope="col" className="number w-24">
              Results
            </th>
            <th scope="col" className="number w-24">
              Share
            </th>
            <th scope="col" className="number w-24">
              Mean
            </th>
          </tr>
        </thead>
        <tbody>
          {ranges.map((range) => (
            <tr key={range.range}>
              <th scope="row" className="figure text-left font-normal">
                {range.range.replace("-", " – ")}
              </th>
              <td>
                <span className="block h-2.5 rounded-[2px] bg-accent" style={{ width: `${(100 * range.count) / most}%` }} />
              </td>
              <td className="number">{count(range.count)}</td>
              <td className="number">{percent(range.percentage / 100)}</td>
              <td className="number">{range.averageScore.toFixed(2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
