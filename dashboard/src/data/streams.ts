import { queryOptions } from "@tanstack/react-query";
import type { Stream } from "batchyard/client";
import { client } from "./client.ts";
import { every } from "./rhythm.ts";

/** What a definition says, as far as the pages look into it; the server checked it. */
export interface Definition extends Record<string, unknown> {
  operation: string;
  keyField?: string;
  windowSeconds?: number;
  idleTimeoutSeconds?: number;
  maxItems?: number;
  maxBytes?: number;
  minItems?: number;
  maxWaitSeconds?: number;
  schedule?: string;
}

export const definitionOf = (stream: Stream): Definition => stream.definition as Definition;

export const streamsQuery = queryOptions({
  queryKey: ["streams"],
  queryFn: () => client.streams.list(),
  refetchInterval: every("refresh"),
});
