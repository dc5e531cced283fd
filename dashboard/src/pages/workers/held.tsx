import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count, plural } from "../../figures/number.ts";
import { Awaited } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Time } from "../../parts/time.tsx";
import { heldQuery } from "./queries.ts";

/** What is being worked on: each chunk with its batch. */
export function Held(): ReactElement {
  const { data, error, refetch } = useQuery(heldQuery);
  return (
    <Section
      title="At work"
      aside={
        data === undefined
          ? undefined
          : data.total > data.chunks.length
            ? `${data.chunks.length} of ${count(data.total)} chunks`
            : plural(data.total, "chunk")
      }
    >
      {data === undefined ? (
        <Awaited error={error} lines={3} label="Loading chunks" retry={() => void refetch()} />
      ) : data.chunks.length === 0 ? (
        <p className="text-soft">No chunk is being worked on.</p>
      ) : (
        <Wide label="Chunks at work">
          <table className="table" aria-label="Chunks at work">
            <thead>
              <tr>
                <th scope="col">Batch</th>
                <th scope="col">Operation</th>
                <th scope="col" className="number">
                  Chunk
                </th>
                <th scope="col" className="number">
                  Items
                </th>
                <th scope="col" className="pl-6!">
                  Worker
                </th>
                <th scope="col" className="number">
                  Lease ends
                </th>
              </tr>
            </thead>
            <tbody>
              {data.chunks.map((chunk) => (
                <tr key={chunk.chunk}>
                  <th scope="row" className="max-w-80 truncate text-left">
                    <Link to="/batches/$id" params={{ id: chunk.batch_id }} className="link">
                      {chunk.batch_name ?? chunk.batch_id}
                    </Link>
                  </th>
                  <td>{chunk.operation}</td>
                  <td className="number">{chunk.chunk}</td>
                  <td className="number">{count(chunk.items)}</td>
                  <td className="max-w-64 truncate pl-6! font-mono text-sm">{chunk.worker.replace(/^external:/, "")}</td>
                  <td className="number text-soft">
                    <Time at={chunk.lease_until} />
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
