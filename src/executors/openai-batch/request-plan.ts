import { classify } from "../../model/failure.ts";
import type { Item } from "../../model/item.ts";
import type { ModelRequest, ModelRequests } from "../../operations/model-requests.ts";
import type { Operation } from "../../operations/operation.ts";
import type { Provider } from "../../providers/provider.ts";
import { embeddingInputs } from "../../money/prompt.ts";
import { breathe, breatheDue } from "../handler/breather.ts";
import type { ChunkWork, Outcome } from "../port.ts";
import { customId } from "./custom-id.ts";
import { requestFault, type RequestFault } from "./request-faults.ts";

const CUSTOM_ID_BYTES = 64;
/** Where nobody has set a budget a rough figure is all that is shown, and counting takes time. */
const CHARS_A_TOKEN = 4;

/** Items that fit into one input file: one model and endpoint, within every limit of the provider. */
export interface FilePlan {
  provider: Provider;
  model: string;
  endpoint: string;
  /** Indexes of ChunkWork.items. */
  indexes: number[];
  bytes: number;
  /** Estimated prompt tokens. */
  tokens: number;
  embeddingInputs: number;
}

export interface RequestPlan {
  files: FilePlan[];
  /** Items that make no request that the provider would take. */
  refused: { index: number; outcome: Outcome }[];
}

export interface PlanRules {
  providerFor(model: string): Provider | null;
  /** Prompt tokens that one file may have; null = any number. */
  tokenBudget(provider: Provider, model: string): number | null;
  /** Prompt tokens of a request, as its model counts them. */
  promptTokens(provider: string, body: Record<string, unknown>): number;
}

type PlannedWork = Pick<ChunkWork, "chunkId" | "operation" | "options" | "items" | "places">;

/** Sorts the items of a chunk into files. */
export async function planRequests(work: PlannedWork, rules: PlanRules): Promise<RequestPlan> {
  const plan: RequestPlan = { files: [], refused: [] };
  const open = new Map<string, FilePlan>();
  for (const [index, item] of work.items.entries()) {
    if (breatheDue(performance.now())) await breathe();
    let request: ModelRequest;
    try {
      request = requestsOf(work).requestOf(item, work.options);
    } catch (error) {
      plan.refused.push({ index, outcome: { ok: false, ...classify(error), category: "data", durationMs: 0 } });
      continue;
    }
    const { model } = request.body;
    const provider = rules.providerFor(model);
    const line = lineOf(customId(work.chunkId, work.places[index]!), request, provider);
    const bytes = Buffer.byteLength(line) + 1;
    const fault = requestFault(request, provider, bytes);
    if (fault !== null || provider === null) {
      const { error, code } = fault ?? noProvider(model);
      plan.refused.push({ index, outcome: { ok: false, error, code, category: "data", durationMs: 0 } });
      continue;
    }
    const budget = rules.tokenBudget(provider, model);
    const tokens = budget === null ? Math.ceil(line.length / CHARS_A_TOKEN) : rules.promptTokens(provider.name, request.body);
    if (budget !== null && tokens > budget) {
      const error = `The request has ${tokens} prompt tokens; ${provider.name} lets ${budget} of ${model} wait at once`;
      plan.refused.push({ index, outcome: { ok: false, error, code: "token_limit_exceeded", category: "data", durationMs: 0 } });
      continue;
    }
    const inputs = request.url === "/v1/embeddings" ? embeddingInputs(request.body["input"]) : 0;
    const key = `${provider.name}\0${request.url}\0${model}`;
    let file = open.get(key);
    if (file === undefined || !fits(file, bytes, tokens, inputs, budget)) {
      file = { provider, model, endpoint: request.url, indexes: [], bytes: 0, tokens: 0, embeddingInputs: 0 };
      open.set(key, file);
      plan.files.push(file);
    }
    file.indexes.push(index);
    file.bytes += bytes;
    file.tokens += tokens;
    file.embeddingInputs += inputs;
  }
  return plan;
}

/** Why an item cannot go through a provider's batch API; null = it can. */
export function refusedRequest(
  item: Item,
  { operation, options, providerFor }: { operation: Operation; options: unknown; providerFor(model: string): Provider | null },
): RequestFault | null {
  let request: ModelRequest;
  try {
    request = requestsOf({ operation }).requestOf(item, options);
  } catch (error) {
    const { error: text, code } = classify(error);
    return { error: text, code };
  }
  const provider = typeof request.body.model === "string" ? providerFor(request.body.model) : null;
  const bytes = Buffer.byteLength(lineOf("", request, provider)) + CUSTOM_ID_BYTES;
  return requestFault(request, provider, bytes) ?? (provider === null ? noProvider(request.body.model) : null);
}

function noProvider(model: string): RequestFault {
  return { error: `No provider with a batch API serves the model '${model}'`, code: "model_not_found" };
}

/** The lines of a file, without their ends. */
export function* fileLines(work: ChunkWork, file: FilePlan): Generator<string> {
  for (const index of file.indexes) {
    const request = requestsOf(work).requestOf(work.items[index]!, work.options);
    yield lineOf(customId(work.chunkId, work.places[index]!), request, file.provider);
  }
}

function fits(file: FilePlan, bytes: number, tokens: number, inputs: number, budget: number | null): boolean {
  const { limits } = file.provider;
  return (
    file.indexes.length < limits.maxLines &&
    file.bytes + bytes <= limits.maxBytes &&
    file.embeddingInputs + inputs <= limits.maxEmbeddingInputs &&
    (budget === null || file.tokens + tokens <= budget)
  );
}

/** Azure writes its endpoints without the version. */
export function upstreamEndpoint(endpoint: string, provider: Provider | null): string {
  return (provider?.azure ?? null) !== null ? endpoint.replace(/^\/v1/, "") : endpoint;
}

function lineOf(id: string, { url, body }: ModelRequest, provider: Provider | null): string {
  return JSON.stringify({ custom_id: id, method: "POST", url: upstreamEndpoint(url, provider), body });
}

/** Only operations with `requests` are run by this executor. */
export function requestsOf(work: Pick<ChunkWork, "operation">): ModelRequests<unknown> {
  const { requests, name } = work.operation;
  if (requests === undefined) throw new Error(`The operation ${name} makes no model requests`);
  return requests;
}
