import type { ReactElement } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count } from "../../figures/number.ts";
import { Awaited } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Time } from "../../parts/time.tsx";
import { deadJobsQuery, type DeadQueue } from "./queries.ts";

/** What is dead in one queue, oldest first. */
export function DeadItems({ queue }: { queue: DeadQueue }): ReactElement {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(deadJobsQuery(queue));
  const rows = data?.pages.flatMap((page) => page.jobs) ?? [];
  return (
    <Section title={`Dead in ${queue.name}`} aside={`oldest first, ${count(queue.count)} in all`}>
      {data === undefined ? (
        <Awaited error={error} lines={4} label="Loading dead items" retry={() => void refetch()} />
      ) : (
        <>
          <Wide label={`Dead in ${queue.name}`}>
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Item</th>
                  <th scope="col">Why</th>
                  <th scope="col">{queue.kind === "stream" ? "Reason" : "Error"}</th>
                  <th scope="col" className="number">
                    When
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((job) => (
                  <tr key={job.id}>
                    <th scope="row" className="text-left font-normal">
                      <code>{job.item_key ?? "without a key"}</code>
                      {job.batch_id === undefined ? null : (
                        <Link to="/batches/$id" params={{ id: job.batch_id }} className="link block font-mono text-xs">
                          {job.batch_id}
                        </Link>
                      )}
                    </th>
                    <td>
                      <code>{job.reason}</code>
                    </td>
                    <td className="w-full max-w-0 min-w-56 truncate text-soft" title={job.error}>
                      {job.error ?? (queue.kind === "stream" ? "the stream did not take it" : "")}
                    </td>
                    <td className="number">
                      <Time at={job.failed_at} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Wide>
          {hasNextPage ? (
            <button type="button" className="button self-start" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              25 more
            </button>
          ) : null}
        </>
      )}
    </Section>
  );
}
