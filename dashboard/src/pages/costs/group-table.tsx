import { useState, type ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Costs } from "batchyard/client";
import { compact, count, exactMoney, money } from "../../figures/number.ts";
import { Meter } from "../../parts/meter.tsx";
import { NumberHeads, Section, Wide } from "../../parts/section.tsx";
import { GROUPS, type CostsSearch, type Group } from "./search.ts";

const FIRST_ROWS = 25;
const NAMES: Readonly<Record<Group, string>> = {
  model: "Model",
  operation: "Operation",
  batch: "Batch",
  provider: "Provider",
  tier: "Way",
  tenant: "Tenant",
};

/** Who spent it: what costs most first. */
export function GroupTable({ costs, search }: { costs: Costs; search: CostsSearch }): ReactElement {
  const by = search.by ?? "model";
  const [areAll, showAll] = useState(false);
  const shown = areAll ? costs.groups : costs.groups.slice(0, FIRST_ROWS);
  const most = Math.max(...costs.groups.map(({ standard }) => standard), 1e-9);
  return (
    <Section
      title="What it was spent on"
      aside={
        <nav aria-label="Group by" className="flex flex-wrap gap-1">
          {GROUPS.map((each) => (
            <Link
              key={each}
              to="/costs"
              search={{ ...search, by: each }}
              resetScroll={false}
              aria-current={each === by}
              className={`rounded-sm px-2 py-0.5 ${each === by ? "bg-wash font-medium text-ink" : "hover:text-ink"}`}
            >
              {NAMES[each]}
            </Link>
          ))}
        </nav>
      }
    >
      <Wide label={`Costs by ${NAMES[by].toLowerCase()}`}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{NAMES[by]}</th>
              <NumberHeads names={["Requests", "Tokens in", "Tokens out", "Standard", "Paid", "Saved", "Saved, %"]} />
              <th scope="col" className="min-w-32 pl-6!">
                Paid of standard
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((group) => (
              <tr key={group.key}>
                <th scope="row" className="max-w-80 truncate text-left" title={group.key}>
                  {by === "batch" ? (
                    <Link to="/batches/$id" params={{ id: group.key }} className="link">
                      {group.key}
                    </Link>
                  ) : by === "operation" ? (
                    <Link to="/batches" search={{ q: `op:${group.key}` }} className="link">
                      {group.key}
                    </Link>
                  ) : by === "tier" ? (
                    wayOf(group.key)
                  ) : (
                    group.key
                  )}
                </th>
                <td className="number">
                  <span>
                    {count(group.requests)}
                    {group.unpriced > 0 ? (
                      <span className="block text-xs text-warn" title="Without a known price: in tokens, not in money">
                        {group.unpriced === group.requests ? "no known price" : `${count(group.unpriced)} without a price`}
                      </span>
                    ) : null}
                  </span>
                </td>
                <td className="number" title={count(group.tokens.input)}>
                  {compact(group.tokens.input)}
                </td>
                <td className="number" title={count(group.tokens.output)}>
                  {compact(group.tokens.output)}
                </td>
                <td className="number" title={exactMoney(group.standard)}>
                  {money(group.standard)}
                </td>
                <td className="number" title={exactMoney(group.paid)}>
                  {money(group.paid)}
                </td>
                <td className="number" title={exactMoney(group.saved)}>
                  {money(group.saved)}
                </td>
                <td className="number">{group.savingsPercentage.toFixed(1)} %</td>
                <td className="pl-6!">
                  <Meter
                    label={`${group.key}, US dollars`}
                    shares={[
                      { label: "paid", value: group.paid, tone: "busy" },
                      { label: "saved", value: Math.max(0, group.saved), tone: "good" },
                    ]}
                    total={most}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {shown.length < costs.groups.length ? (
        <button type="button" className="button self-start" onClick={() => showAll(true)}>
          Show all {count(costs.groups.length)}
        </button>
      ) : null}
    </Section>
  );
}

function wayOf(tier: string): string {
  return tier === "batch" ? "In batches" : tier === "online" ? "One by one" : tier;
}
