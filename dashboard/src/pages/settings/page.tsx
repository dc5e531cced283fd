import type { ReactElement } from "react";
import { Link, useSearch } from "@tanstack/react-router";
import { TabRow, tabClass } from "../../parts/tab-row.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { BrowserSettings } from "./browser-settings.tsx";
import { Connections } from "./connections.tsx";
import { Keys } from "./keys.tsx";
import { Retention } from "./retention.tsx";
import { SETTINGS_TABS, type SettingsTab } from "./search.ts";
import { ServerSettings } from "./server-settings.tsx";

const LABELS: Readonly<Record<SettingsTab, string>> = {
  server: "Server",
  retention: "Retention",
  keys: "Keys and sign-in",
  connections: "Connections",
  browser: "This browser",
};

/** What can be set, of the server and of this browser. */
export function SettingsPage(): ReactElement {
  const { tab = "server", q = "" } = useSearch({ from: "/settings" });
  return (
    <>
      <PageTitle title="Settings" />
      <div className="flex flex-col gap-7">
        <TabRow label="Parts of the settings" chosen={tab}>
          {SETTINGS_TABS.map((each) => (
            <Link
              key={each}
              to="/settings"
              search={each === "server" ? {} : { tab: each }}
              aria-current={each === tab ? "page" : undefined}
              activeOptions={{ exact: true, includeSearch: true }}
              className={tabClass(each === tab)}
            >
              {LABELS[each]}
            </Link>
          ))}
        </TabRow>
        {tab === "retention" ? (
          <Retention />
        ) : tab === "server" ? (
          <ServerSettings q={q} />
        ) : tab === "keys" ? (
          <Keys />
        ) : tab === "connections" ? (
          <Connections />
        ) : (
          <BrowserSettings />
        )}
      </div>
    </>
  );
}
