import type { ReactElement } from "react";
import { Link, useSearch } from "@tanstack/react-router";
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
      <nav aria-label="Parts of the settings" className="-mx-4 mb-7 flex gap-1 overflow-x-auto border-b border-line px-4 md:mx-0 md:px-0">
        {SETTINGS_TABS.map((each) => (
          <Link
            key={each}
            to="/settings"
            search={each === "server" ? {} : { tab: each }}
            aria-current={each === tab ? "page" : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
            className={`-mb-px border-b-2 px-2.5 py-2 text-sm whitespace-nowrap ${
              each === tab ? "border-accent font-medium text-ink" : "border-transparent text-soft hover:text-ink"
            }`}
          >
            {LABELS[each]}
          </Link>
        ))}
      </nav>
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
    </>
  );
}
