import { useMemo, useRef, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { Awaited } from "../../parts/notice.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { Filters, nounsOf } from "./filters.tsx";
import { LiveList } from "./live-list.tsx";
import { registryQuery } from "./queries.ts";
import { ReplayList } from "./replay-list.tsx";

/** Everything that happens, as it happens, or as it happened. */
export function EventsPage(): ReactElement {
  const search = useSearch({ from: "/events" });
  const { data: kinds, error, refetch } = useQuery(registryQuery);
  const field = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: "/", label: "Search", run: () => field.current?.focus() }]);
  const types = useMemo(() => search.types?.split(",") ?? nounsOf(kinds ?? []), [search.types, kinds]);
  const narrowing = `${search.types ?? ""} ${search.severity ?? ""}`;
  return (
    <>
      <PageTitle title="Events" below="Everything that happens is one event in one log." />
      <div className="flex flex-col gap-4">
        <Filters search={search} field={field} />
        {kinds === undefined ? (
          <Awaited error={error} lines={10} label="Loading events" retry={() => void refetch()} />
        ) : search.at === undefined ? (
          <LiveList key={narrowing} search={search} types={types} />
        ) : (
          <ReplayList key={`${search.at} ${narrowing}`} search={search} at={search.at} />
        )}
      </div>
    </>
  );
}
