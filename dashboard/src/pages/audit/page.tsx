import { useState, type ReactElement } from "react";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { sessionQuery, useMay } from "../../data/session.ts";
import { plural } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { Awaited, Empty, Fault, Loading } from "../../parts/notice.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { ChainDialog } from "./chain.tsx";
import { EntryTable } from "./entry-table.tsx";
import { Filters } from "./filters.tsx";
import { auditQuery, exportAddress } from "./queries.ts";
import type { AuditSearch } from "./search.ts";

/** Who did what, when, and what it changed. */
export function AuditPage(): ReactElement {
  const search = useSearch({ from: "/audit" });
  const session = useQuery(sessionQuery);
  const isAdmin = useMay("admin");
  const [verifying, setVerifying] = useState(false);
  return (
    <>
      <PageTitle
        title="Audit"
        below="Who did what, on which thing, before and after. Reading it leaves an entry, too."
        actions={
          isAdmin ? (
            <>
              <button type="button" className="button" onClick={() => setVerifying(true)}>
                <Icon name="shield" /> Verify
              </button>
              <a className="button" href={exportAddress(search)} download>
                <Icon name="download" /> JSONL
              </a>
            </>
          ) : undefined
        }
      />
      {session.data === undefined ? (
        session.error === null ? (
          <Loading lines={8} label="Loading the audit log" />
        ) : (
          <Fault error={session.error} retry={() => void session.refetch()} />
        )
      ) : isAdmin ? (
        <Entries search={search} />
      ) : (
        <Empty title="The audit log is for admins">
          The role of this session is {session.data.role}. An API key of the role admin shows it.
        </Empty>
      )}
      {verifying ? <ChainDialog onClose={() => setVerifying(false)} /> : null}
    </>
  );
}

function Entries({ search }: { search: AuditSearch }): ReactElement {
  const query = auditQuery(search);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching, isFetchingNextPage } = useInfiniteQuery(query);
  const cache = useQueryClient();
  const entries = data?.pages.flatMap((page) => page.entries) ?? [];
  const again = (): void => void cache.resetQueries({ queryKey: query.queryKey });
  useShortcuts([{ keys: "r", label: "Read the log again", run: again }]);
  return (
    <div className="flex flex-col gap-4">
      <Filters key={JSON.stringify(search)} search={search} />
      {data === undefined ? (
        <Awaited error={error} lines={10} label="Loading the audit log" retry={() => void refetch()} />
      ) : entries.length === 0 ? (
        <Empty title="No entry matches">
          <Link to="/audit" search={{}} className="link">
            Show all entries
          </Link>
        </Empty>
      ) : (
        <>
          <p className="flex items-center gap-4 text-sm text-soft">
            <span className="figure">
              {plural(entries.length, "entry", "entries")}
              {hasNextPage ? " so far" : ""}, newest first
            </span>
            <button type="button" className="button" disabled={isFetching} onClick={again}>
              <Icon name="retry" /> Refresh
            </button>
          </p>
          <EntryTable
            entries={entries}
            onEnd={() => {
              if (hasNextPage && !isFetchingNextPage && error === null) void fetchNextPage();
            }}
          />
          {error === null ? null : <Fault error={error} retry={() => void fetchNextPage()} />}
        </>
      )}
    </div>
  );
}
