import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMay } from "../../data/session.ts";
import { count, plural } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { Empty } from "../../parts/notice.tsx";
import { Status } from "../../parts/status.tsx";
import { TabRow, tabClass } from "../../parts/tab-row.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { CodeTable } from "./code-table.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { GroupList } from "./group-list.tsx";
import { deadQuery, groupsQuery } from "./queries.ts";
import { FAILURE_RANGES, FAILURE_TABS, type FailureRange, type FailuresSearch, failuresSearch, type FailureTab } from "./search.ts";
import { SizeTable } from "./size-table.tsx";
import { SlowTable } from "./slow-table.tsx";

const TABS: Readonly<Record<FailureTab, string>> = {
  groups: "Groups",
  codes: "By code",
  dead: "Dead letters",
  slow: "Slow batches",
  sizes: "Batch sizes",
};
const RANGES: Readonly<Record<FailureRange, string>> = { "24h": "24 h", "7d": "7 d", "30d": "30 d" };

/** What fails, why, and what can be done about it. */
export function FailuresPage(): ReactElement {
  const search = useSearch({ from: "/failures" });
  const { tab = "groups", range = "24h", operation } = search;
  const navigate = useNavigate();
  const isAdmin = useMay("admin");
  const groups = useQuery(groupsQuery(range, operation));
  const dead = useQuery(deadQuery);
  const counts: Partial<Record<FailureTab, number | undefined>> = { groups: groups.data?.total, dead: dead.data?.total };
  const failed = groups.data?.failures;
  /** What stands in the address after a change; the usual is left out. */
  const address = (change: { [F in keyof FailuresSearch]: FailuresSearch[F] | undefined }): FailuresSearch =>
    failuresSearch({ ...search, ...change });
  return (
    <>
      <PageTitle
        title={failed === undefined ? "Failures" : failed === 0 ? "Nothing failed" : `${plural(failed, "item")} failed`}
        tab="Failures"
        {...(groups.data === undefined
          ? { above: <Status look={{ word: "Counting", icon: "clock", tone: "idle" }} />, below: "\u00a0" }
          : {
              above: (
                <Status
                  look={
                    failed === 0
                      ? { word: groups.data.muted.failures === 0 ? "Calm" : "Calm but for what is muted", icon: "check", tone: "good" }
                      : { word: plural(groups.data.total, "kind of error", "kinds of errors"), icon: "warning", tone: "warn" }
                  }
                />
              ),
            })}
        {...(groups.data === undefined || failed === 0
          ? {}
          : {
              below:
                groups.data.recoverable === 0
                  ? "The same again would give the same: see what each kind asks for"
                  : `${count(groups.data.recoverable)} of them may go well when they are tried again`,
            })}
        actions={
          <span role="group" aria-label="Time" className="inline-flex">
            {FAILURE_RANGES.map((each, i) => (
              <button
                key={each}
                type="button"
                aria-pressed={each === range}
                className={`button ${i === 0 ? "rounded-r-none!" : i === FAILURE_RANGES.length - 1 ? "-ml-px rounded-l-none!" : "-ml-px rounded-none!"} ${
                  each === range ? "bg-wash! text-ink" : "text-soft!"
                }`}
                onClick={() => void navigate({ to: "/failures", search: address({ range: each }) })}
              >
                {RANGES[each]}
              </button>
            ))}
          </span>
        }
      />
      <div className="flex flex-col gap-6">
        <TabRow label="Views of failures" chosen={tab}>
          {FAILURE_TABS.map((each) => (
            <Link
              key={each}
              to="/failures"
              search={address({ tab: each, queue: undefined })}
              aria-current={each === tab ? "page" : undefined}
              activeOptions={{ exact: true, includeSearch: true }}
              className={tabClass(each === tab)}
            >
              {TABS[each]}
              {counts[each] === undefined ? null : <span className="figure text-xs text-soft">{count(counts[each])}</span>}
            </Link>
          ))}
        </TabRow>
        {operation === undefined ? null : (
          <button
            type="button"
            className="button self-start"
            onClick={() => void navigate({ to: "/failures", search: address({ operation: undefined }) })}
          >
            Only {operation} <Icon name="cross" /> <span className="sr-only">Drop the filter</span>
          </button>
        )}
        {tab === "groups" ? (
          <GroupList range={range} operation={operation} />
        ) : tab === "dead" ? (
          <DeadLetters />
        ) : !isAdmin ? (
          <Empty title="Only admins see this">It looks through every batch of the time; the API asks for the role admin.</Empty>
        ) : tab === "codes" ? (
          <CodeTable range={range} operation={operation} />
        ) : tab === "slow" ? (
          <SlowTable range={range} operation={operation} />
        ) : (
          <SizeTable range={range} operation={operation} />
        )}
      </div>
    </>
  );
}
