import type { ReactElement } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { exactMoney, percent } from "../../figures/number.ts";
import { Meter } from "../../parts/meter.tsx";
import { Awaited } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { budgetsQuery } from "./queries.ts";

/** From here on a budget is likely to end its batch. */
const NEAR = 0.8;

/** Batches that may not cost more than so much, and how much of it is used. */
export function Budgets(): ReactElement {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(budgetsQuery);
  const limited = data?.pages.flatMap(({ budgets }) => budgets) ?? [];
  return (
    <Section title="Budgets" aside="of batches that have not ended, newest first">
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
              {limited.map(({ batchId, name, status, paid, budget }) => {
                const share = budget === 0 ? (paid > 0 ? 1 : 0) : paid / budget;
                return (
                  <tr key={batchId}>
                    <th scope="row" className="max-w-96 truncate text-left">
                      <Link to="/batches/$id" params={{ id: batchId }} className="link">
                        {name ?? batchId}
                      </Link>
                    </th>
                    <td>
                      <BatchStatusMark status={status} />
                    </td>
                    <td className="number">{exactMoney(paid)}</td>
                    <td className="number">{exactMoney(budget)}</td>
                    <td className={`number ${share >= NEAR ? "font-medium text-warn" : ""}`}>{percent(share)}</td>
                    <td className="pl-6!">
                      <Meter
                        label="Used, US dollars"
                        shares={[{ label: "paid", value: paid, tone: share >= NEAR ? "warn" : "busy" }]}
                        total={Math.max(budget, paid)}
                      />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Wide>
      )}
      {hasNextPage ? (
        <button type="button" className="button self-start" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          More budgets
        </button>
      ) : null}
    </Section>
  );
}
