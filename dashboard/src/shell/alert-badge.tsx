import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { standingQuery } from "../data/queries.ts";
import { count, plural } from "../figures/number.ts";
import { Icon } from "../parts/icon.tsx";

/** How many alerts fire, beside the way to them; nothing while none does. */
export function AlertBadge(): ReactElement | null {
  const { data } = useQuery(standingQuery);
  if (data === undefined || data.firing === 0) return null;
  const { firing, critical } = data;
  return (
    <span
      className={`figure ml-auto inline-flex items-center gap-1 text-sm font-medium ${critical > 0 ? "text-bad" : "text-warn"}`}
      title={`${plural(firing, "alert fires", "alerts fire")}${critical > 0 ? `, ${count(critical)} critical` : ""}`}
    >
      <Icon name={critical > 0 ? "cross" : "warning"} />
      <span aria-hidden="true">{firing}</span>
      <span className="sr-only">
        {firing} firing{critical > 0 ? `, ${critical} critical` : ""}
      </span>
    </span>
  );
}
