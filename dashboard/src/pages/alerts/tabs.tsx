import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { count } from "../../figures/number.ts";
import { ALERT_TABS, type AlertTab } from "./search.ts";

const LABELS: Readonly<Record<AlertTab, string>> = {
  firing: "Firing",
  pending: "Pending",
  silenced: "Silenced",
  history: "History",
  rules: "Rules",
  silences: "Silences",
  channels: "Channels",
};

/** What there is to see; how many where the server says so at once. */
export function Tabs({ chosen, counts }: { chosen: AlertTab; counts: Partial<Record<AlertTab, number>> }): ReactElement {
  return (
    <nav
      aria-label="Alerts by state, and how they are set up"
      className="-mx-4 flex gap-1 overflow-x-auto border-b border-line px-4 md:mx-0 md:px-0"
    >
      {ALERT_TABS.map((tab) => {
        const number = counts[tab];
        return (
          <Link
            key={tab}
            to="/alerts"
            search={tab === "firing" ? {} : { tab }}
            aria-current={tab === chosen ? "page" : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
            className={`-mb-px inline-flex items-center gap-1.5 border-b-2 px-2.5 py-2 text-sm whitespace-nowrap ${
              tab === chosen ? "border-accent font-medium text-ink" : "border-transparent text-soft hover:text-ink"
            } ${tab === "rules" ? "ml-4" : ""}`}
          >
            {LABELS[tab]}
            {number === undefined ? null : <span className="figure text-xs text-soft">{count(number)}</span>}
          </Link>
        );
      })}
    </nav>
  );
}
