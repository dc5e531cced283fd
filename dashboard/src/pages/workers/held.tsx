import { useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMay } from "../../data/session.ts";
import { count, plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Awaited, messageOf } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";
import { heldQuery, type HeldChunk, revoke } from "./queries.ts";

/** What is being worked on: each chunk with its batch. */
export function Held(): ReactElement {
  const { data, error, refetch } = useQuery(heldQuery);
  const cache = useQueryClient();
  const mayTake = useMay("admin");
  const [asked, ask] = useState<HeldChunk | null>(null);
  async function take({ chunk }: HeldChunk): Promise<void> {
    ask(null);
    try {
      await revoke(chunk);
      toast(`Chunk ${chunk} is taken away and runs again`);
    } catch (failure) {
      toast(messageOf(failure), "bad");
    }
    await Promise.all([["held"], ["workers"]].map((queryKey) => cache.invalidateQueries({ queryKey })));
  }
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
                {mayTake ? (
                  <th scope="col">
                    <span className="sr-only">Act</span>
                  </th>
                ) : null}
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
                  {mayTake ? (
                    <td className="text-right">
                      <button
                        type="button"
                        className="button button-quiet"
                        aria-label={`Take away chunk ${chunk.chunk}`}
                        onClick={() => ask(chunk)}
                      >
                        Take away
                      </button>
                    </td>
                  ) : null}
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {asked === null ? null : (
        <Dialog
          title={`Take chunk ${asked.chunk} away?`}
          onClose={() => ask(null)}
          footer={
            <>
              <button type="button" className="button" onClick={() => ask(null)}>
                Let it work
              </button>
              <button type="button" className="button button-danger" onClick={() => void take(asked)}>
                Take it away
              </button>
            </>
          }
        >
          <p className="max-w-prose">
            {asked.worker.replace(/^external:/, "")} loses its lease: what it sends for this chunk from now on is refused. Items without a
            result run again, and lose no try. What it has done to the world outside is not undone.
          </p>
        </Dialog>
      )}
    </Section>
  );
}
