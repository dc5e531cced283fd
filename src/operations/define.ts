import { z } from "zod";
import type { ZodType } from "zod";
import { BatchyardError } from "../model/errors.ts";
import type { Fault } from "../model/errors.ts";
import type { Item, ItemText } from "../model/item.ts";
import type { ModelRequests } from "./model-requests.ts";
import type { HandlerContext, HandlerResult, ItemOutcome, Operation, PlanRequest, TenantServices } from "./operation.ts";

const OPERATION_NAME = /^[a-z][a-z0-9_-]{0,63}$/;

interface Common<O> {
  name: string;
  description?: string;
  /** Options of the operation's own; the options of every batch (batchSize, timeout, …) come on top. None when absent. */
  options?: ZodType<O>;
  /** Items of a chunk in flight at once, unless the batch says otherwise; 1..10,000. */
  concurrency?: number;
  /** Nothing it does has a price; batches with a budget are refused. */
  free?: boolean;
  /** A model can do it: batches with `executor: "openai-batch"` go through a provider's batch API. */
  requests?: ModelRequests<NoInfer<O>>;
  check?(options: NoInfer<O>, executor?: string): Fault[];
  warnings?(options: NoInfer<O>, executor?: string): string[];
  plan?(request: PlanRequest<NoInfer<O>>, services: TenantServices): Promise<AsyncIterable<ItemText[]>>;
}

interface PerItem<O, P> {
  processItem(item: P, ctx: HandlerContext<NoInfer<O>>): HandlerResult | Promise<HandlerResult>;
  /** Module that exports the same `processItem`, to run it in worker threads. */
  thread?: URL;
  processBatch?: never;
  http?: never;
}

interface PerThread {
  thread: URL;
  processItem?: never;
  processBatch?: never;
  http?: never;
}

interface PerBatch<O> {
  processBatch(items: Item[], ctx: HandlerContext<NoInfer<O>>): ItemOutcome[] | Promise<ItemOutcome[]>;
  processItem?: never;
  thread?: never;
  http?: never;
}

interface PerRequest {
  http: { url: string; secret?: string | undefined };
  processItem?: never;
  processBatch?: never;
  thread?: never;
}

interface PerModel<O> {
  /** Nothing but a model does it. */
  requests: ModelRequests<NoInfer<O>>;
  processItem?: never;
  processBatch?: never;
  thread?: never;
  http?: never;
}

interface Outside {
  /** Nothing here runs it: workers of your own lease its chunks over HTTP, or report results by key. */
  external: true;
  processItem?: never;
  processBatch?: never;
  thread?: never;
  http?: never;
}

export type OperationDefinition<O, P> = Common<O> &
  (((PerItem<O, P> | PerThread | PerBatch<O> | PerRequest | PerModel<O>) & { external?: never }) | Outside);

/** No options at all: every one given is refused by name. */
export type NoOptions = Record<string, never>;

/**
 * Makes an operation. `O` is inferred from `options` and reaches the handler as `ctx.options`; `P`, the payload, from the
 * handler's own annotation (it is whatever the items hold: nothing checks it).
 *
 * Throws bad_config when the name does not match, or not exactly one of processItem (or thread), processBatch, http, requests and external is given (`requests` may stand beside a handler).
 */
export function defineOperation<O = NoOptions, P = Record<string, unknown>>(definition: OperationDefinition<O, P>): Operation<O> {
  const { name } = definition;
  if (typeof name !== "string" || !OPERATION_NAME.test(name)) {
    throw refusal(`The operation name ${JSON.stringify(name)}`, "not allowed", `names match ${OPERATION_NAME.source}`);
  }
  const ways = [
    definition.processItem !== undefined || definition.thread !== undefined ? "processItem" : null,
    definition.processBatch !== undefined ? "processBatch" : null,
    definition.http !== undefined ? "http" : null,
    definition.external === true ? "external" : null,
  ].filter((way) => way !== null);
  if (ways.length === 0 && definition.requests !== undefined) ways.push("requests");
  if (ways.length !== 1) {
    throw refusal(
      `The way operation '${name}' runs`,
      ways.length === 0 ? "missing" : `given ${ways.length} times (${ways.join(", ")})`,
      "give exactly one of processItem (or thread), processBatch, http, requests, external",
    );
  }
  const { concurrency } = definition;
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 10_000)) {
    throw refusal(`The concurrency of operation '${name}'`, String(concurrency), "it is a whole number from 1 to 10000");
  }
  if (definition.http !== undefined && !isHttpUrl(definition.http.url)) {
    throw refusal(`The URL of operation '${name}'`, JSON.stringify(definition.http.url), "it starts with http:// or https://");
  }
  // A ZodType<O> for O = NoOptions; nothing but the default of O lets `options` be absent.
  const options = definition.options ?? (z.strictObject({}) as unknown as ZodType<O>);
  return Object.freeze({ ...definition, description: definition.description ?? "", options }) as Operation<O>;
}

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:");
}

function refusal(name: string, found: string, allowed: string): BatchyardError {
  return new BatchyardError("bad_config", { name, found, allowed });
}
