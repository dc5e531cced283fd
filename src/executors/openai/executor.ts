import type { Clock } from "../../model/clock.ts";
import { ONLINE } from "../../model/upstream.ts";
import type { NanoUsd } from "../../model/money.ts";
import type { ChunkWork, Executor, RunControl } from "../port.ts";
import { Patience } from "./patience.ts";
import { Asking } from "./asking.ts";
import type { Endpoint } from "./endpoint.ts";
import { Pace } from "./pace.ts";

/** Batches whose token limit is remembered; an older one starts its minute anew. */
const MAX_PACES = 1000;

export interface OnlineParts {
  endpoint: Endpoint;
  clock: Clock;
  /** Most that a request can cost; null when its price is not known. */
  estimate(provider: string, body: Record<string, unknown>): NanoUsd | null;
  /** Runs the items that the operation does without a provider. */
  here: Executor;
}

/** Asks a model for each item, one request at a time, as many at once as the provider takes. */
export class OnlineExecutor implements Executor {
  readonly kind = ONLINE;
  private readonly parts: OnlineParts;
  private readonly patience = new Patience();
  private readonly paces = new Map<string, Pace>();

  constructor(parts: OnlineParts) {
    this.parts = parts;
  }

  async run(work: ChunkWork, control: RunControl): Promise<void> {
    const asked: number[] = [];
    const own: number[] = [];
    const requests = work.operation.requests;
    for (const [index, item] of work.items.entries())
      (requests?.isOwn?.(item, work.options, work.tenant) === true ? own : asked).push(index);
    const asking = new Asking({ ...this.parts, patience: this.patience, pace: this.paceOf(work), work, control }, asked);
    await Promise.all([asking.run(), own.length === 0 ? null : this.parts.here.run(...partOf(work, control, own))]);
  }

  /** `rateLimit.tokensPerMinute` of the batch. */
  private paceOf({ batchId, runOptions }: ChunkWork): Pace | null {
    const perMinute = runOptions.rateLimit?.tokensPerMinute;
    if (perMinute === undefined) return null;
    let pace = this.paces.get(batchId);
    if (pace === undefined) {
      if (this.paces.size >= MAX_PACES) this.paces.clear();
      pace = new Pace(this.parts.clock, perMinute);
      this.paces.set(batchId, pace);
    }
    return pace;
  }
}

/** The same chunk with some of its items. */
function partOf(work: ChunkWork, control: RunControl, indexes: readonly number[]): [ChunkWork, RunControl] {
  const back = (index: number): number => indexes[index]!;
  return [
    { ...work, items: indexes.map((index) => work.items[index]!), places: indexes.map((index) => work.places[index]!) },
    {
      get signal() {
        return control.signal;
      },
      get stopping() {
        return control.stopping;
      },
      settle: (index, outcome) => control.settle(back(index), outcome),
      spent: (spend) => control.spent(spend),
      afford: (requests) => control.afford(requests.map((each) => ({ ...each, index: back(each.index) }))),
      admit: () => control.admit(),
      defer: (until) => control.defer(until),
      split: (groups) => control.split(groups.map((group) => group.map(back))),
    },
  ];
}
