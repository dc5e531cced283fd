import type { ReactElement } from "react";
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { BatchFilter, BatchStatus } from "batchyard/client";
import { countQuery, statsQuery } from "../../data/queries.ts";
import { compact, matches, type Matches } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { BATCH_LOOK, TONE_TEXT } from "../../parts/states.ts";
import { TabRow, tabClass } from "../../parts/tab-row.tsx";
import { type BatchesSearch, searchedFor } from "./search.ts";

const STATES = Object.keys(BATCH_LOOK) as BatchStatus[];

/** The states with exact counts: of everything from the counters, of a narrowed list counted as it is narrowed. */
export function StateTabs({ filter, place }: { filter: BatchFilter; place: BatchesSearch }): ReactElement {
  const { status: chosen, q = "" } = place;
  const narrowed = Object.keys(filter).length > 0;
  const stats = useQuery({ ...statsQuery, enabled: !narrowed });
  const counted = useQueries({
    queries: [undefined, ...STATES].map((status) => ({
      ...countQuery(status === undefined ? filter : { ...filter, status }),
      enabled: narrowed,
    })),
  });
  const countOf = (status: BatchStatus | undefined): Matches | undefined =>
    narrowed
      ? counted[status === undefined ? 0 : STATES.indexOf(status) + 1]?.data
      : stats.data && { total: status === undefined ? stats.data.total : (stats.data.byStatus[status] ?? 0), isExact: true };
  return (
    <TabRow label="States" chosen={chosen ?? "all"}>
      {[undefined, ...STATES].map((status) => {
        const look = status === undefined ? null : BATCH_LOOK[status];
        const number = countOf(status);
        return (
          <Link
            key={status ?? "all"}
            to="/batches"
            search={searchedFor(place, { status, q })}
            aria-current={status === chosen ? "page" : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
            className={tabClass(status === chosen)}
          >
            {look === null ? null : <Icon name={look.icon} className={TONE_TEXT[look.tone]} />}
            {look?.word ?? "All"}
            <span className="figure text-xs text-soft" title={number && matches(number)}>
              {number === undefined ? "…" : matches(number, compact)}
            </span>
          </Link>
        );
      })}
    </TabRow>
  );
}
