import type OpenAI from "openai";
import type { Clock } from "../../model/clock.ts";
import { classify, type Failure } from "../../model/failure.ts";
import { isRetryable } from "../../model/item.ts";
import type { ModelAnswer, ModelRequest } from "../../operations/model-requests.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Providers } from "../../providers/providers.ts";
import { OPENS_AFTER, type Circuit } from "./circuit.ts";
import { Gate, type Pass, type Turn } from "./gate.ts";
import { Pace } from "./pace.ts";
import { usedTokens } from "./request-tokens.ts";

/** Gates that nobody uses are forgotten beyond this: names of models come from outside. */
const MAX_GATES = 1000;

/** How one request ended. */
export type Reply =
  /** Status 200. */
  | { kind: "answered"; answer: ModelAnswer }
  /** 429: nothing was done, and nothing is wrong with the request. */
  | { kind: "refused"; answer: ModelAnswer | null; failure: Failure }
  /** The provider is not there, or not well, and the breaker is open. */
  | { kind: "down"; failure: Failure }
  | { kind: "failed"; answer: ModelAnswer | null; failure: Failure }
  /** By our own signal. */
  | { kind: "aborted" };

export interface Ask {
  tenant: string;
  signal: AbortSignal;
  /** Milliseconds for the answer. */
  timeoutMs: number;
  /** What asks, as a span of a trace. */
  traceparent: string | null;
}

/** Single requests to models, each under the limits of its provider and model, which hold for the whole process. */
export class Endpoint {
  private readonly parts: { providers: Providers; clock: Clock; circuit: () => Circuit };
  private readonly gates = new Map<string, Gate>();
  private readonly paces = new Map<string, { requests: Pace | null; tokens: Pace | null }>();
  /** Requests under way. */
  working = 0;
  /** Grows with each that is sent or ends. */
  changes = 0;

  constructor(parts: { providers: Providers; clock: Clock; circuit: () => Circuit }) {
    this.parts = parts;
  }

  /** By name; without one the first that serves the model online. Null: nobody does. */
  providerFor({ provider, body }: ModelRequest): Provider | null {
    const { providers } = this.parts;
    if (provider === undefined) return providers.find("online", body.model);
    const named = providers.get(provider);
    return named?.online === true ? named : null;
  }

  enter(provider: Provider, model: string, tokens: number): Promise<Turn> {
    return this.gate(provider, model).enter(tokens);
  }

  /** The pass is not used. */
  leave(provider: Provider, model: string, pass: Pass): void {
    this.gate(provider, model).left(pass);
  }

  /** Requests to a model that may be under way at once, as things are. */
  room(provider: Provider, model: string): number {
    return this.gate(provider, model).size;
  }

  /** Sends a request that was let pass. Never throws for what the provider does. */
  async ask(provider: Provider, request: ModelRequest, pass: Pass, ask: Ask): Promise<Reply> {
    const { clock, providers } = this.parts;
    const gate = this.gate(provider, request.body.model);
    const controller = new AbortController();
    let timedOut = false;
    const cancelTimer = clock.after(ask.timeoutMs, () => {
      timedOut = true;
      controller.abort();
    });
    const abort = (): void => controller.abort();
    ask.signal.addEventListener("abort", abort, { once: true });
    if (ask.signal.aborted) abort();
    this.working += 1;
    this.changes += 1;
    try {
      const answer = await send(await providers.client(provider), request, controller.signal, ask.traceparent);
      gate.answered(pass, usedTokens(answer.body));
      return { kind: "answered", answer };
    } catch (error) {
      if (ask.signal.aborted && !timedOut) {
        gate.left(pass);
        return { kind: "aborted" };
      }
      const { answer, failure } = timedOut ? late(ask.timeoutMs) : failed(error, clock.now());
      if (answer?.status === 429 && failure.code !== "insufficient_quota") {
        gate.refused(pass, failure.retryAfterMs);
        return { kind: "refused", answer, failure };
      }
      if (!isOutage(answer, failure)) {
        if (answer === null) gate.left(pass);
        else gate.answered(pass, usedTokens(answer.body) ?? 0);
        return { kind: "failed", answer, failure };
      }
      // The breaker looks past "timeout" of handlers, which says nothing about what they talk to; here it says all there is to say.
      const said = { tenant: ask.tenant, category: failure.category, code: `provider_${failure.code}`, error: failure.error };
      return gate.failed(pass, said, OPENS_AFTER) ? { kind: "down", failure } : { kind: "failed", answer, failure };
    } finally {
      cancelTimer();
      ask.signal.removeEventListener("abort", abort);
      this.working -= 1;
      this.changes += 1;
    }
  }

  /** What of the limits of providers is in use. */
  use(): {
    requests: { provider: string; model: string; underWay: number; limit: number }[];
    rates: { provider: string; unit: "requests" | "tokens"; used: number; limit: number }[];
  } {
    const requests = [...this.gates].map(([name, gate]) => {
      const end = name.indexOf(":");
      return { provider: name.slice(0, end), model: name.slice(end + 1), underWay: gate.busy, limit: gate.size };
    });
    const rates = [...this.paces].flatMap(([provider, paces]) =>
      (["requests", "tokens"] as const).flatMap((unit) => {
        const pace = paces[unit];
        return pace === null ? [] : [{ provider, unit, used: pace.used, limit: pace.perMinute }];
      }),
    );
    return { requests, rates };
  }

  private gate(provider: Provider, model: string): Gate {
    const name = `${provider.name}:${model}`;
    let gate = this.gates.get(name);
    if (gate === undefined) {
      if (this.gates.size >= MAX_GATES) for (const [key, each] of this.gates) if (each.isIdle) this.gates.delete(key);
      const { clock, circuit } = this.parts;
      gate = new Gate({ name, clock, circuit: circuit(), paces: this.pacesOf(provider) });
      this.gates.set(name, gate);
    }
    return gate;
  }

  /** Limits of a provider hold for all its models together. */
  private pacesOf({ name, limits }: Provider): { requests: Pace | null; tokens: Pace | null } {
    let paces = this.paces.get(name);
    if (paces === undefined) {
      const pace = (perMinute: number | undefined): Pace | null => (perMinute === undefined ? null : new Pace(this.parts.clock, perMinute));
      paces = { requests: pace(limits.requestsPerMinute), tokens: pace(limits.tokensPerMinute) };
      this.paces.set(name, paces);
    }
    return paces;
  }
}

async function send(client: OpenAI, { url, body }: ModelRequest, signal: AbortSignal, traceparent: string | null): Promise<ModelAnswer> {
  const headers = traceparent === null ? {} : { headers: { traceparent } };
  // The client's base URL ends with the version, Azure's with what stands in its place.
  const { data, response, request_id } = await client
    .post<unknown>(url.slice("/v1".length), { body, signal, maxRetries: 0, ...headers })
    .withResponse();
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new BadAnswer(`The provider answered ${response.status} with something that is no JSON object`);
  return { status: response.status, requestId: request_id, body: data };
}

/** Worth another try: a gateway or a cut connection made something else of the answer. */
class BadAnswer extends Error {
  readonly category = "transient";
  readonly code = "bad_answer";
}

function late(timeoutMs: number): { answer: null; failure: Failure } {
  return {
    answer: null,
    failure: { error: `The provider gave no answer within ${timeoutMs} ms`, code: "timeout", category: "transient", retryAfterMs: null },
  };
}

interface ApiError {
  status: number;
  /** `error` of the body. */
  error?: unknown;
  requestID?: string | null;
  message: string;
}

function failed(error: unknown, now: number): { answer: ModelAnswer | null; failure: Failure } {
  // JSON that ends in the middle.
  if (error instanceof SyntaxError) return { answer: null, failure: classify(new BadAnswer("The answer of the provider is no JSON"), now) };
  const failure = classify(error, now);
  if (failure.code === "handler_error") failure.code = "no_connection";
  if (!isApiError(error)) return { answer: null, failure };
  const said =
    typeof error.error === "object" && error.error !== null ? error.error : { message: error.message, type: null, param: null, code: null };
  return { answer: { status: error.status, requestId: error.requestID ?? null, body: { error: said } }, failure };
}

function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && "status" in error && typeof error.status === "number";
}

/** Says this failure that the provider could answer nobody? */
function isOutage(answer: ModelAnswer | null, failure: Failure): boolean {
  if (answer === null) return isRetryable(failure.category);
  return answer.status >= 500 || failure.code === "insufficient_quota";
}
