import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "./queries.ts";
import type { Session } from "./wire.ts";

const RANKS: Readonly<Record<Session["role"], number>> = { viewer: 1, operator: 2, admin: 3 };

/** Whether the role of the session lets do what the API asks this role for; false until it is known. */
export function useMay(need: Session["role"]): boolean {
  const { data } = useQuery(sessionQuery);
  return data !== undefined && RANKS[data.role] >= RANKS[need];
}
