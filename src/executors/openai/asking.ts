import type { Clock } from "../../model/clock.ts";
import { classify, type Failure } from "../../model/failure.ts";
import type { NanoUsd } from "../../model/money.ts";
import type { ModelAnswer, ModelRequest, ModelRequests } from "../../operations/model-requests.ts";
import type { Provider } from "../../providers/provider.ts";
import { breathe, breatheDue } from "../handler/breather.ts";
import { attemptOf, idempotencyKey, OVER_BUDGET, type ChunkWork, type Outcome, type RunControl, type Spend } from "../port.ts";
import type { Endpoint, Reply } from "./endpoint.ts";
import type { Pass } from "./gate.ts";
import type { Pace } from "./pace.ts";
import type { Patience } from "./patience.ts";
import { expectedTokens, usedTokens } from "./request-tokens.ts";
import { MOST } from "./window.ts";

/** Who waits for the batch's own limit looks again after this: the batch may have been paused meanwhile. */
const LOOK_AGAIN_MS = 1000;

export interface AskingParts {
  endpoint: Endpoint;
  clock: Clock;
  patience: Patience;
  /** The batch's own tokens a minute. */
  pace: Pace | null;
  /** Most that a request can cost; null when its price is not known. */
  estimate(provider: string, body: Record<string, unknown>): NanoUsd | null;
  work: ChunkWork;
  control: RunControl;
}

interface Question {
  index: number;
  provider: Provider;
  request: ModelRequest;
  tokens: number;
}

/** The requests of one run of a chunk. Lanes take items in their order; there are as many as the model has room for. */
export class Asking {
  private readonly parts: AskingParts;
  private readonly requests: ModelRequests<unknown>;
  private readonly indexes: readonly number[];
  private readonly mostLanes: number;
  private lanes = 0;
  private ended = (): void => {};
  private failed = (_error: unknown): void => {};
  private next = 0;
  /** The provider takes nothing for a while: what has not started goes back. */
  private putOff = false;
  private room = 1;

  constructor(parts: AskingParts, indexes: readonly number[]) {
    const { requests, name, concurrency } = parts.work.operation;
    if (requests === undefined) throw new Error(`The operation ${name} makes no model requests`);
    this.parts = parts;
    this.requests = requests;
    this.indexes = indexes;
    const isSet = concurrency !== undefined || parts.work.runOptions.concurrency !== undefined;
    this.mostLanes = isSet ? parts.work.lanes : MOST;
  }

  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.ended = resolve;
      this.failed = reject;
      this.open();
      if (this.lanes === 0) resolve();
    });
  }

  /** As many lanes as there is room for, and work. */
  private open(): void {
    while (this.lanes < Math.min(this.mostLanes, this.room) && this.next < this.indexes.length && !this.isOver) {
      this.lanes += 1;
      this.lane().then(() => {
        this.lanes -= 1;
        if (this.lanes === 0) this.ended();
      }, this.failed);
    }
  }

  private get isOver(): boolean {
    const { control } = this.parts;
    return this.putOff || control.stopping || control.signal.aborted;
  }

  private async lane(): Promise<void> {
    while (this.next < this.indexes.length && !this.isOver) {
      await this.item(this.indexes[this.next++]!);
      this.open();
      if (breatheDue(performance.now())) await breathe();
    }
  }

  /** Returns without an outcome when the item is to go back. */
  private async item(index: number): Promise<void> {
    const { control } = this.parts;
    const question = this.question(index);
    if (question === null) return;
    const wait = control.admit();
    if (wait !== null) await wait;
    if (!(await this.paced(question)) || this.isOver) return;
    if (!this.affords(question)) {
      control.settle(index, OVER_BUDGET);
      return;
    }
    for (;;) {
      const pass = await this.pass(question);
      if (pass === null) return;
      if (this.took(question, await this.send(question, pass))) return;
    }
  }

  /** What is asked for an item; null when that settled it. */
  private question(index: number): Question | null {
    const { work, control, endpoint } = this.parts;
    const refuse = (failure: Pick<Failure, "error" | "code" | "category">): null => {
      control.settle(index, { ok: false, ...failure, durationMs: 0 });
      return null;
    };
    let request: ModelRequest;
    try {
      request = this.requests.requestOf(work.items[index]!, work.options);
    } catch (error) {
      return refuse({ ...classify(error), category: "data" });
    }
    const { model, stream } = request.body as { model: string; stream?: unknown };
    if (stream === true)
      return refuse({ error: "Answers cannot be streamed here; leave 'stream' out", code: "streaming_unsupported", category: "data" });
    const provider = endpoint.providerFor(request);
    if (provider !== null) return { index, provider, request, tokens: expectedTokens(request) };
    const error =
      request.provider === undefined
        ? `No provider of this server serves the model '${model}' online`
        : `There is no provider '${request.provider}' for single requests on this server`;
    return refuse({ error, code: "no_provider", category: "configuration" });
  }

  /** Waits for the batch's own limit of tokens. False: the batch was stopped meanwhile. */
  private async paced({ tokens }: Question): Promise<boolean> {
    const { pace, clock } = this.parts;
    if (pace === null) return true;
    for (let ms = pace.readyAt - clock.now(); ms > 0; ms = pace.readyAt - clock.now()) {
      if (this.isOver) return false;
      await new Promise<void>((resolve) => clock.after(Math.min(ms, LOOK_AGAIN_MS), resolve));
    }
    pace.take(tokens);
    return true;
  }

  private affords({ index, provider, request }: Question): boolean {
    const { control, estimate } = this.parts;
    if (this.parts.work.runOptions.budgetUsd === undefined) return true;
    return control.afford([{ index, estimate: estimate(provider.name, request.body) }]);
  }

  private async pass({ provider, request, tokens }: Question): Promise<Pass | null> {
    const { endpoint, control } = this.parts;
    const { model } = request.body;
    while (!this.isOver) {
      this.room = endpoint.room(provider, model);
      this.open();
      const turn = await endpoint.enter(provider, model, tokens);
      if (turn === "again") continue;
      if ("until" in turn) {
        this.putOff = true;
        control.defer(turn.until);
        return null;
      }
      if (!this.isOver) return turn.pass;
      endpoint.leave(provider, model, turn.pass);
    }
    return null;
  }

  private async send({ provider, request, tokens }: Question, pass: Pass): Promise<{ reply: Reply; durationMs: number }> {
    const { endpoint, clock, work, control, pace } = this.parts;
    const startedAt = clock.elapsed();
    const timeoutMs = Math.min(work.timeoutMs, provider.timeoutMs);
    const reply = await endpoint.ask(provider, request, pass, {
      tenant: work.tenant,
      signal: control.signal,
      timeoutMs,
      traceparent: work.traceparent,
    });
    this.room = endpoint.room(provider, request.body.model);
    const used = reply.kind === "answered" ? usedTokens(reply.answer.body) : null;
    if (used !== null) pace?.correct(tokens, used);
    return { reply, durationMs: clock.elapsed() - startedAt };
  }

  /** False: the item is to be asked again, when the provider takes requests. */
  private took(question: Question, { reply, durationMs }: { reply: Reply; durationMs: number }): boolean {
    const { work, control, patience } = this.parts;
    if (reply.kind === "aborted") return true;
    const item = idempotencyKey(work, work.items[question.index]!.key);
    if ((reply.kind === "refused" || reply.kind === "down") && patience.spend(item)) return false;
    patience.forget(item);
    control.settle(question.index, this.outcome(question, reply, durationMs));
    return true;
  }

  private outcome(question: Question, reply: Exclude<Reply, { kind: "aborted" }>, durationMs: number): Outcome {
    const { work } = this.parts;
    const answer = "answer" in reply ? reply.answer : null;
    const spend = answer === null ? undefined : this.spendOf(question, answer);
    if (reply.kind === "answered") {
      try {
        return {
          ok: true,
          ...this.requests.resultOf(reply.answer, work.items[question.index]!, work.options, work.attempt),
          spend,
          durationMs,
        };
      } catch (error) {
        return { ok: false, ...classify(error), spend, durationMs };
      }
    }
    const result = answer === null ? undefined : this.requests.failureOf?.(answer);
    return { ok: false, ...reply.failure, ...(result === undefined ? {} : { result }), spend, durationMs };
  }

  /** An answer that is an error is charged for only if it says so. */
  private spendOf({ provider, request }: Question, { status, body }: ModelAnswer): Spend | undefined {
    const { usage, model } = body as { usage?: unknown; model?: unknown };
    if (status !== 200 && (usage === undefined || usage === null)) return undefined;
    const { work, clock } = this.parts;
    return {
      attempt: attemptOf(work),
      provider: provider.name,
      model: typeof model === "string" ? model : request.body.model,
      tier: "online",
      usage: usage ?? null,
      at: clock.now(),
    };
  }
}
