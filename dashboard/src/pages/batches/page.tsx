import { useMemo, useRef, useState, type ReactElement } from "react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { qualified, type BatchFilter } from "batchyard/client";
import { Icon } from "../../parts/icon.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { BatchList } from "./batch-list.tsx";
import { SearchField } from "./search-field.tsx";
import { StateTabs } from "./state-tabs.tsx";

/** Every batch there is, narrowed by what stands in the address. */
export function BatchesPage(): ReactElement {
  const { status, q = "" } = useSearch({ from: "/batches" });
  const navigate = useNavigate();
  const search = useRef<HTMLInputElement>(null);
  const [now] = useState(Date.now);
  const { filter, unknown } = useMemo(() => qualified(q, now), [q, now]);
  const whole: BatchFilter = useMemo(() => (status === undefined ? filter : { ...filter, status }), [filter, status]);
  useShortcuts([{ keys: "/", label: "Search", run: () => search.current?.focus() }]);
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
        <SearchField
          ref={search}
          value={q}
          unknown={unknown}
          onSearch={(text) =>
            void navigate({ to: "/batches", search: { ...(status === undefined ? {} : { status }), ...(text === "" ? {} : { q: text }) } })
          }
        />
        <StateTabs filter={filter} chosen={status} q={q} />
        <BatchList key={JSON.stringify(whole)} filter={whole} />
      </div>
    </>
  );
}
