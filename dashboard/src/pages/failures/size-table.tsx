import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { duration } from "../../figures/duration.ts";
import { count } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { Awaited, Empty } from "../../parts/notice.tsx";
import { NumberHeads, Wide } from "../../parts/section.tsx";
import { sizesQuery } from "./queries.ts";
import type { FailureRange } from "./search.ts";

/** How batches of each size do. */
export function SizeTable({ range, operation }: { range: FailureRange; operation: string | undefined }): ReactElement {
  const { data, error, refetch } = useQuery(sizesQuery(range, operation));
  if (data === undefined) return <Awaited error={error} lines={6} label="Looking through the batches" retry={() => void refetch()} />;
  if (data.sizes.length === 0) return <Empty title="No batch was created in this time" />;
  return (
    <>
      <p className="text-sm text-soft">
        {data.best === null ? "No batch has ended yet." : `Batches of ${data.best} items take the least time for an item.`}
        {operation === undefined ? " Operations differ: look at one of them by itself." : ""}
      </p>
      <Wide label="Batches by size">
        <table className="table max-w-4xl">
          <thead>
            <tr>
              <th scope="col">Items</th>
              <NumberHeads names={["Batches", "Items in all", "Mean time", "Per item", "Succeeded", "Failed"]} />
            </tr>
          </thead>
          <tbody>
            {data.sizes.map((size) => (
              <tr key={size.size}>
                <th scope="row" className="figure text-left font-normal">
                  {size.size.replace("-", " – ")}{" "}
                  {size.size === data.best ? (
                    <span className="ml-1 inline-flex items-center gap-1 text-xs text-good">
                      <Icon name="check" /> best
                    </span>
                  ) : null}
                </th>
                <td className="number">{count(size.jobs)}</td>
                <td className="number">{count(size.requests)}</td>
                <td className="number">{size.averageMs === null ? "—" : duration(size.averageMs)}</td>
                <td className="number">{size.msPerRequest === null ? "—" : duration(size.msPerRequest)}</td>
                <td className="number">{size.successRate} %</td>
                <td className={`number ${size.errorRate > 0 ? "text-bad" : "text-soft"}`}>{size.errorRate} %</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}
