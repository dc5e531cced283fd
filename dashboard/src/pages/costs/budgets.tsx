import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Batch } from "batchyard/client";
import { count, exactMoney, percent } from "../../figures/number.ts";
import { Meter } from "../../parts/meter.tsx";
import { Awaited } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { activeQuery } from "./queries.ts";

/** From here on a budget is likely to end its batch. */
const NEAR = 0.8;

/** Batches that may not cost more than so much, and how much of it is used. */
export function Budgets(): ReactElement {
  const { data, error, refetch } = useQuery(activeQuery);
  const limited = (data?.batches ?? []).flatMap((batch) => {
    const budget = budgetOf(batch);
    return budget === null ? [] : [{ batch, budget }];
  });
  const isPart = data !== undefined && data.total > data.batches.length;
  return (
    <Section
      title="Budgets"
      aside={
        isPart
          ? `of the ${count(data.batches.length)} batches that run or are next, of ${count(data.total)}`
          : "of batches that have not ended"
      }
    >
      {data === undefined ? (
        <Awaited error={error} label="Loading budgets" retry={() => void refetch()} />
      ) : limited.length === 0 ? (
        <p className="max-w-prose text-soft">
          No batch that waits or runs has one. <code>options.budgetUsd</code> of a batch is what it may cost, retries included; what it does
          not cover is not sent.
        </p>
      ) : (
        <Wide label="Budgets of batches">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Batch</th>
                <th scope="col">Status</th>
                <th scope="col" className="number">
                  Paid
                </th>
                <th scope="col" className="number">
                  Budget
                </th>
                <th scope="col" className="number">
                  Used
                </th>
                <th scope="col" className="min-w-32 pl-6!">
                  Of the budget
                </th>
              </tr>
            </thead>
            <tbody>
              {limited.map(({ batch, budget }) => {
                const share = budget === 0 ? (batch.cost > 0 ? 1 : 0) : batch.cost / budget;
                return (
                  <tr key={batch.id}>
                    <th scope="row" className="max-w-96 truncate text-left">
                      <Link to="/batches/$id" params={{ id: batch.id }} className="link">
                        {batch.name ?? batch.id}
                      </Link>
                    </th>
                    <td>
                      <BatchStatusMark status={batch.status} />
                    </td>
                    <td className="number">{exactMoney(batch.cost)}</td>
                    <td className="number">{exactMoney(budget)}</td>
                    <td className={`number ${share >= NEAR ? "font-medium text-warn" : ""}`}>{percent(share)}</td>
                    <td className="pl-6!">
                      <Meter
                        label="Used, US dollars"
                        shares={[{ label: "paid", value: batch.cost, tone: share >= NEAR ? "warn" : "busy" }]}
                        total={Math.max(budget, batch.cost)}
                      />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}

function budgetOf({ options }: Batch): number | null {
  const budget = options["budgetUsd"];
  return typeof budget === "number" ? budget : null;
}
