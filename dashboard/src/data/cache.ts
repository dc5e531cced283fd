import { QueryClient } from "@tanstack/react-query";
import { ClientError } from "batchyard/client";
import type { Session } from "./wire.ts";

/** As the server has it before anything is set; also what holds for the page of a shared link, which has no session. */
const AT_FIRST: Session["dashboard"] = { refreshSeconds: 10, alertsSeconds: 30, detailSeconds: 5, maxRetries: 2, retryDelayMs: 1_000 };
const LONGEST_PAUSE_MS = 30_000;

/** Everything loaded so far. Events keep it fresh; the intervals of the queries only mend what a cut stream missed. */
export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A refusal stays one; only what may pass is asked for again.
      retry: (failures, error) => failures < rhythm().maxRetries && (!(error instanceof ClientError) || error.mayPass),
      retryDelay: (failures) => Math.min(LONGEST_PAUSE_MS, rhythm().retryDelayMs * 2 ** failures),
      refetchOnWindowFocus: true,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

/** How the server wants to be asked, as the session last told it. */
export function rhythm(): Session["dashboard"] {
  return cache.getQueryData<Session>(["session"])?.dashboard ?? AT_FIRST;
}
