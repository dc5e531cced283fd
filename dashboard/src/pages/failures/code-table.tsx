import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count } from "../../figures/number.ts";
import { Awaited, Empty } from "../../parts/notice.tsx";
import { Wide } from "../../parts/section.tsx";
import { codesQuery } from "./queries.ts";
import type { FailureRange } from "./search.ts";

const BATCHES_SHOWN = 3;

/** Failures that stand in batches of the time, by their code. */
export function CodeTable({ range, operation }: { range: FailureRange; operation: string | undefined }): ReactElement {
  const { data, error, refetch } = useQuery(codesQuery(range, operation));
  if (data === undefined) return <Awaited error={error} lines={6} label="Looking through the batches" retry={() => void refetch()} />;
  if (data.errors.length === 0)
    return <Empty title="No failure stands">Every batch of this time is without failed items, or was retried.</Empty>;
  return (
    <>
      <p className="text-sm text-soft">
        {count(data.total)} failures stand in batches created in this time; {count(data.recoverable)} of them may go well when retried.
      </p>
      <Wide label="Failures by code">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Code</th>
              <th scope="col" className="number">
                Items
              </th>
              <th scope="col" className="number">
                Batches
              </th>
              <th scope="col" className="pl-6!">
                What to do
              </th>
              <th scope="col">Newest batches</th>
            </tr>
          </thead>
          <tbody>
            {data.errors.map((each) => (
              <tr key={each.code} className="[&>*]:py-2.5! [&>*]:align-top">
                <th scope="row" className="min-w-56 text-left whitespace-normal!">
                  <code>{each.code}</code> <span className="font-normal text-soft">{each.category}</span>
                  <span className="mt-0.5 line-clamp-2 max-w-md text-xs font-normal break-words text-soft" title={each.error}>
                    {each.error}
                  </span>
                </th>
                <td className="number">{count(each.count)}</td>
                <td className="number">{count(each.jobs)}</td>
                <td className="min-w-64 pl-6! text-soft">{each.recommendation}.</td>
                <td className="min-w-48">
                  {each.jobIds.slice(0, BATCHES_SHOWN).map((id) => (
                    <Link key={id} to="/batches/$id" params={{ id }} className="link block truncate font-mono text-xs">
                      {id}
                    </Link>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}
