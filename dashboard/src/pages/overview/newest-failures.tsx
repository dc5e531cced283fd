import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { newestFailuresQuery } from "../../data/queries.ts";
import { count } from "../../figures/number.ts";
import { Fault, Loading } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";

/** What ended badly, newest first. */
export function NewestFailures(): ReactElement {
  const { data, error, refetch } = useQuery(newestFailuresQuery());
  return (
    <Section
      title="Newest failures"
      aside={
        <Link to="/batches" search={{ status: "failed" }} className="link">
          All failed batches
        </Link>
      }
    >
      {data === undefined ? (
        error === null ? (
          <Loading label="Loading failures" />
        ) : (
          <Fault error={error} retry={() => void refetch()} />
        )
      ) : data.length === 0 ? (
        <p className="text-soft">No batch has failed.</p>
      ) : (
        <Wide label="Newest failures">
          <table className="table">
            <thead className="sr-only">
              <tr>
                <th scope="col">State</th>
                <th scope="col">Batch</th>
                <th scope="col">Error</th>
                <th scope="col">Failed items</th>
                <th scope="col">Ended</th>
              </tr>
            </thead>
            <tbody>
              {data.map((batch) => (
                <tr key={batch.id}>
                  <td className="w-28">
                    <BatchStatusMark status={batch.status} />
                  </td>
                  <th scope="row" className="max-w-64 truncate text-left font-medium">
                    <Link to="/batches/$id" params={{ id: batch.id }} className="link">
                      {batch.name ?? batch.id}
                    </Link>
                  </th>
                  <td className="max-w-0 w-full min-w-48 truncate text-soft" title={batch.error ?? undefined}>
                    {batch.error ?? `${batch.operation} failed`}
                  </td>
                  <td className="number">{count(batch.failed_items)} failed</td>
                  <td className="number">
                    <Time at={batch.completed_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}
