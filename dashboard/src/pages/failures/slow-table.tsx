import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { duration } from "../../figures/duration.ts";
import { count } from "../../figures/number.ts";
import { Awaited, Empty } from "../../parts/notice.tsx";
import { NumberHeads, Section, Wide } from "../../parts/section.tsx";
import { slowQuery } from "./queries.ts";
import type { FailureRange } from "./search.ts";

/** The slowest batches, and how long batches of each operation take. */
export function SlowTable({ range, operation }: { range: FailureRange; operation: string | undefined }): ReactElement {
  const { data, error, refetch } = useQuery(slowQuery(range, operation));
  if (data === undefined) return <Awaited error={error} lines={6} label="Looking through the batches" retry={() => void refetch()} />;
  if (data.slowest.length === 0) return <Empty title="No batch has ended in this time" />;
  return (
    <div className="grid gap-x-10 gap-y-10 lg:grid-cols-2">
      <Section title="Slowest batches" aside="from start to end" className="border-t-0! pt-0!">
        <Wide label="Slowest batches">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Batch</th>
                <NumberHeads names={["Took", "Items", "Per item"]} />
              </tr>
            </thead>
            <tbody>
              {data.slowest.map((job) => (
                <tr key={job.id}>
                  <th scope="row" className="text-left font-normal">
                    {job.jobType}{" "}
                    <Link to="/batches/$id" params={{ id: job.id }} className="link block font-mono text-xs">
                      {job.id}
                    </Link>
                  </th>
                  <td className="number">{duration(job.processingTimeMs)}</td>
                  <td className="number">{count(job.requestCount)}</td>
                  <td className="number">{duration(job.msPerRequest)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </Section>
      <Section title="By operation" className="border-t-0! pt-0!">
        <Wide label="Time by operation">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Operation</th>
                <NumberHeads names={["Batches", "Mean", "p50", "p95"]} />
              </tr>
            </thead>
            <tbody>
              {data.byType.map((type) => (
                <tr key={type.jobType}>
                  <th scope="row" className="text-left">
                    <Link to="/batches" search={{ q: `op:${type.jobType}` }} className="link">
                      {type.jobType}
                    </Link>
                  </th>
                  <td className="number">{count(type.jobs)}</td>
                  <td className="number">{duration(type.averageMs)}</td>
                  <td className="number">{type.p50Ms === null ? "—" : duration(type.p50Ms)}</td>
                  <td className="number">{type.p95Ms === null ? "—" : duration(type.p95Ms)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </Section>
    </div>
  );
}
