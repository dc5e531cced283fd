import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import type { Costs } from "batchyard/client";
import { count, exactMoney, money, plural } from "../../figures/number.ts";
import { Change, type Figure, FigureRow } from "../../parts/figure-row.tsx";
import { Fault, Loading } from "../../parts/notice.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { Budgets } from "./budgets.tsx";
import { dayName, dayNumber } from "./days.ts";
import { GroupTable } from "./group-table.tsx";
import { NoCosts } from "./no-costs.tsx";
import { Quotas } from "./quotas.tsx";
import { costsQuery } from "./queries.ts";
import { type CostsSearch, type Range, RANGES } from "./search.ts";
import { Trend } from "./trend.tsx";

const NAMES: Readonly<Record<Range, string>> = { month: "This month", "7d": "7 days", "30d": "30 days", "90d": "90 days" };

/** What was paid, and what it would have cost. */
export function CostsPage(): ReactElement {
  const search = useSearch({ from: "/costs" });
  const range = search.range ?? "30d";
  const days = useQuery(costsQuery(range, "day"));
  const groups = useQuery(costsQuery(range, search.by ?? "model"));
  const { data } = days;
  return (
    <>
      <PageTitle title="Costs" actions={<RangeTabs search={search} chosen={range} />} />
      {data === undefined ? (
        days.error === null ? (
          <Loading lines={8} label="Loading costs" />
        ) : (
          <Fault error={days.error} retry={() => void days.refetch()} />
        )
      ) : (
        <div className="flex flex-col gap-10">
          {data.totals.requests === 0 ? (
            <NoCosts since={dayName(dayNumber(data.from))} />
          ) : (
            <>
              <FigureRow label={NAMES[range]} figures={figuresOf(data)} />
              <Trend costs={data} />
              {groups.data !== undefined ? (
                <GroupTable costs={groups.data} search={search} />
              ) : groups.error === null ? (
                <Loading lines={5} label="Loading groups" />
              ) : (
                <Fault error={groups.error} retry={() => void groups.refetch()} />
              )}
            </>
          )}
          <Budgets />
          <Quotas />
        </div>
      )}
    </>
  );
}

function RangeTabs({ search, chosen }: { search: CostsSearch; chosen: Range }): ReactElement {
  return (
    <nav aria-label="Range" className="flex gap-1 text-sm">
      {RANGES.map((each) => (
        <Link
          key={each}
          to="/costs"
          search={{ ...search, range: each }}
          resetScroll={false}
          aria-current={each === chosen}
          className={`rounded-sm px-2 py-1 whitespace-nowrap ${each === chosen ? "bg-wash font-medium text-ink" : "text-soft hover:text-ink"}`}
        >
          {NAMES[each]}
        </Link>
      ))}
    </nav>
  );
}

function figuresOf({ totals, changes, previous, month, rangeDays }: Costs): Figure[] {
  const dollars = (label: string, value: number, below: Figure["below"]): Figure => ({
    label,
    value: money(value),
    title: exactMoney(value),
    below,
  });
  const change = (percent: number | null, goodWhen: "up" | "down" | "either"): ReactElement => (
    <span title={`${plural(rangeDays, "day")} before, from ${previous.from} to ${previous.to}`}>
      <Change percent={percent} trend={percent === null || percent === 0 ? "flat" : percent > 0 ? "up" : "down"} goodWhen={goodWhen} />
    </span>
  );
  const lastDay = dayName(dayNumber(month.to));
  return [
    dollars("Paid", totals.paid, change(changes.paid, "either")),
    dollars("Standard price", totals.standard, change(changes.standard, "either")),
    dollars("Saved", totals.saved, `${totals.savingsPercentage.toFixed(1)} % less`),
    {
      label: "Requests",
      value: count(totals.requests),
      below:
        totals.unpriced > 0 ? (
          <span className="text-warn">{count(totals.unpriced)} without a known price</span>
        ) : (
          change(changes.requests, "either")
        ),
    },
    dollars("Paid this month", month.paid, `${money(month.saved)} saved`),
    dollars(`By ${lastDay}, at this rate`, month.projected.paid, `${money(month.projected.saved)} saved`),
  ];
}
