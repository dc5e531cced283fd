import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { count } from "../../figures/number.ts";
import { TabRow, tabClass } from "../../parts/tab-row.tsx";
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
    <TabRow label="Alerts by state, and how they are set up" chosen={chosen}>
      {ALERT_TABS.map((tab) => {
        const number = counts[tab];
        return (
          <Link
            key={tab}
            to="/alerts"
            search={tab === "firing" ? {} : { tab }}
            aria-current={tab === chosen ? "page" : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
            className={`${tabClass(tab === chosen)} ${tab === "rules" ? "ml-4" : ""}`}
          >
            {LABELS[tab]}
            {number === undefined ? null : <span className="figure text-xs text-soft">{count(number)}</span>}
          </Link>
        );
      })}
    </TabRow>
  );
}
