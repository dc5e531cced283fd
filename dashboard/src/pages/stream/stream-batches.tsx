import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { newestQuery } from "./queries.ts";
import { count } from "../../figures/number.ts";
import { Awaited } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";

/** The newest windows that became batches. */
export function StreamBatches({ name }: { name: string }): ReactElement {
  const { data, error, refetch } = useQuery(newestQuery(name));
  return (
    <Section
      title="Newest batches"
      aside={
        <Link to="/batches" search={{ q: `stream:${name}` }} className="link">
          All its batches
        </Link>
      }
    >
      {data === undefined ? (
        <Awaited error={error} lines={3} label="Loading batches" retry={() => void refetch()} />
      ) : data.length === 0 ? (
        <p className="text-soft">No window has closed yet.</p>
      ) : (
        <Wide label="Newest batches">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Batch</th>
                <th scope="col">Key</th>
                <th scope="col">Closed by</th>
                <th scope="col">State</th>
                <th scope="col" className="number">
                  Items
                </th>
                <th scope="col" className="number">
                  Failed
                </th>
                <th scope="col" className="number">
                  Closed
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((batch) => (
                <tr key={batch.id}>
                  <th scope="row" className="text-left">
                    <Link to="/batches/$id" params={{ id: batch.id }} className="link font-mono text-sm font-normal">
                      {batch.id}
                    </Link>
                  </th>
                  <td className="max-w-48 truncate">{batch.key ?? "—"}</td>
                  <td>{batch.close_reason?.replaceAll("_", " ") ?? "—"}</td>
                  <td>
                    <BatchStatusMark status={batch.status} />
                  </td>
                  <td className="number">{count(batch.total_items)}</td>
                  <td className={`number ${batch.failed_items > 0 ? "text-bad" : "text-soft"}`}>{count(batch.failed_items)}</td>
                  <td className="number text-soft">
                    <Time at={batch.created_at} />
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
