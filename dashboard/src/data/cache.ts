import { QueryClient } from "@tanstack/react-query";
import { ClientError } from "batchyard/client";

/** Everything loaded so far. Events keep it fresh; the intervals of the queries only mend what a cut stream missed. */
export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A refusal stays one; only what may pass is asked for again.
      retry: (failures, error) => failures < 2 && (!(error instanceof ClientError) || error.mayPass),
      refetchOnWindowFocus: true,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});
