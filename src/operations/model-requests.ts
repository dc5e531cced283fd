import type { ONLINE, OPENAI_BATCH } from "../model/upstream.ts";
import type { Item } from "../model/item.ts";

/** What can be asked of a model. */
export const MODEL_ENDPOINTS = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions"] as const;
export type ModelEndpoint = (typeof MODEL_ENDPOINTS)[number];

/** One request to a model. */
export interface ModelRequest {
  url: ModelEndpoint;
  /** Names its model. */
  body: Record<string, unknown> & { model: string };
  /** Name of a configured provider; the first that serves the model when absent. */
  provider?: string | undefined;
}

/** What came back. */
export interface ModelAnswer {
  status: number;
  requestId: string | null;
  body: unknown;
}

/** What the options of a batch say about the model that does it. */
export interface AskedFor {
  executor: typeof ONLINE | typeof OPENAI_BATCH;
  /** Name of a configured provider; null = the first that serves the model. */
  provider: string | null;
}

/** How an operation that is done by a model asks for it: the same whether it is asked online or in a provider's batch. */
export interface ModelRequests<O> {
  /** Throws OperationError (category data) for an item that makes no request. Pure: the same item gives the same request. */
  requestOf(item: Item, options: O): ModelRequest;
  /** What an answer of status 200 means. Throws OperationError for one that cannot be used. */
  /** `attempt`: tries before this one, where that is known. */
  resultOf(answer: ModelAnswer, item: Item, options: O, attempt?: number): { result: unknown; qualityScore?: number | undefined };
  /** What is kept of an answer that is an error, as the `result` of the failed item; nothing when absent. */
  failureOf?(answer: ModelAnswer): unknown;
  /** True: the operation's own handler does this item, no provider is asked. None when absent. */
  isOwn?(item: Item, options: O, tenant: string): boolean;
  /** What the options say about who is asked, and how; nothing when absent. */
  asked?(options: O): AskedFor | null;
}
