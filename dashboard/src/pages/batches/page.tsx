import { useEffect, useMemo, useRef, useState, type ReactElement } from "react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { qualified, type BatchFilter } from "batchyard/client";
import { Icon } from "../../parts/icon.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { BatchList } from "./batch-list.tsx";
import { rememberedColumns } from "./column-names.ts";
import { Pickers } from "./pickers.tsx";
import { columnsOf, searchedFor } from "./search.ts";
import { SearchField } from "./search-field.tsx";
import { StateTabs } from "./state-tabs.tsx";

/** Every batch there is, narrowed by what stands in the address. */
export function BatchesPage(): ReactElement {
  const place = useSearch({ from: "/batches" });
  const { status, q = "", sort, order, columns } = place;
  const navigate = useNavigate();
  const search = useRef<HTMLInputElement>(null);
  const [now] = useState(Date.now);
  const { filter, unknown } = useMemo(() => qualified(q, now), [q, now]);
  const whole: BatchFilter = useMemo(() => (status === undefined ? filter : { ...filter, status }), [filter, status]);
  useShortcuts([{ keys: "/", label: "Search", run: () => search.current?.focus() }]);
  useEffect(() => {
    const remembered = rememberedColumns();
    if (columns === undefined && remembered !== null && columnsOf(remembered) !== null)
      void navigate({ to: "/batches", search: { ...place, columns: remembered }, replace: true });
    // What the reader chose last is for a list that is opened, not for one whose columns just became the usual ones again.
  }, []);
  const onSearch = (text: string): void => void navigate({ to: "/batches", search: searchedFor(place, { status, q: text }) });
  return (
    <>
      <PageTitle
        title="Batches"
        actions={
          <Link to="/batches/new" className="button button-main">
            <Icon name="plus" /> New batch
          </Link>
        }
      />
      <div className="flex flex-col gap-4">
        <SearchField ref={search} value={q} unknown={unknown} onSearch={onSearch} beside={<Pickers q={q} onSearch={onSearch} />} />
        <StateTabs filter={filter} place={place} />
        <BatchList key={JSON.stringify([whole, sort, order])} filter={whole} />
      </div>
    </>
  );
}
