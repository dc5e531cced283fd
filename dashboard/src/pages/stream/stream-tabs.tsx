import type { ReactElement } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count } from "../../figures/number.ts";
import { TabRow, tabClass } from "../../parts/tab-row.tsx";
import { lettersQuery } from "./queries.ts";
import { type Tab, TABS } from "./search.ts";

const NAMES: Readonly<Record<Tab, string>> = {
  windows: "Windows",
  traffic: "Traffic",
  rules: "Rules",
  "dead-letters": "Dead letters",
};

export function StreamTabs({ name, chosen }: { name: string; chosen: Tab }): ReactElement {
  const letters = useInfiniteQuery(lettersQuery(name)).data?.pages[0]?.total ?? 0;
  return (
    <TabRow label="Parts of the stream" chosen={chosen}>
      {TABS.map((tab) => (
        <Link
          key={tab}
          to="/streams/$name"
          params={{ name }}
          search={tab === "windows" ? {} : { tab }}
          resetScroll={false}
          aria-current={tab === chosen ? "page" : undefined}
          className={tabClass(tab === chosen)}
        >
          {NAMES[tab]} {tab === "dead-letters" && letters > 0 ? <span className="figure text-bad">{count(letters)}</span> : null}
        </Link>
      ))}
    </TabRow>
  );
}
