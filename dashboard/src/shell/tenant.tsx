import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "../data/session.ts";

/** Whose batches these are, where it is not everybody's. */
export function Tenant(): ReactElement | null {
  const { data } = useQuery(sessionQuery);
  if (data === undefined || data.tenant === "default") return null;
  return (
    <p className="flex justify-between gap-3 text-soft">
      Tenant <span className="truncate text-ink">{data.tenant}</span>
    </p>
  );
}
