import { ArrivalColumns } from "../../model/arrival-block.ts";
import type { Clock } from "../../model/clock.ts";
import type { ClosedWindow, ImpactStore, RuleChange } from "../../store/port.ts";
import { Calibrator, type Calibration } from "./calibration.ts";
import { rulesIn, sameRules } from "./candidate.ts";
import type { ClosureSettings } from "../definition.ts";
import { FigureCounter, refusalOf, serviceTimes, type Figures, type ServiceTimes } from "./figures.ts";
import { replay, type Act, type Recording } from "./replay.ts";

/** The latest batches whose times are taken for those to come. */
const SERVICES = 2_000;
/** Changes of rules that one recording looks at. */
const MOST_CHANGES = 10_000;

/** A stream as it is now. */
export interface PreviewedStream {
  tenant: string;
  name: string;
  operation: string;
  maxOpen: number;
  rules: ClosureSettings;
}

export interface Outcome {
  figures: Figures;
  /** Most items in open windows at once. */
  peakOpenItems: number;
  /** Why these rules cannot be recommended. */
  refusal: string | null;
}

export interface Preview {
  /** Unix milliseconds. `from`: of the first arrival that took part, null = none did; `to`: when it was asked. */
  from: number | null;
  to: number;
  /** Arrivals recorded since it was asked for, and those of windows that were open already, which take no part. */
  arrivals: { items: number; keys: number; leftOut: number };
  maxOpen: number;
  service: ServiceTimes | null;
  /** The next four are null without an arrival: there is nothing to say. */
  calibration: Calibration | null;
  current: Outcome | null;
  candidate: Outcome | null;
  sweep: { value: number; outcome: Outcome }[] | null;
}

/** A time of a stream as it was recorded. */
interface Loaded extends Recording {
  from: number;
  /** Of the rules in force at the end, apart from pauses. */
  rulesSince: number;
  closed: readonly ClosedWindow[];
}

/**
 * What other rules would have done to the recorded arrivals of a stream. Nothing is modelled: the arrivals run through the closure
 * reducer that closes real windows. `maxOpen` and overflow are not replayed, the peak of open items says whether they would matter.
 */
export class ImpactPreview {
  private readonly store: ImpactStore;
  private readonly clock: Clock;
  private readonly slots: () => number;

  constructor(parts: { store: ImpactStore; clock: Clock; slots: () => number }) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.slots = parts.slots;
  }

  /** `since`: Unix milliseconds. */
  async preview(
    stream: PreviewedStream,
    request: { candidate: ClosureSettings; since: number; sweep: { value: number; settings: ClosureSettings }[] | null },
  ): Promise<Preview> {
    const to = this.clock.now() + 1;
    const loaded = await this.load(stream, request.since, to);
    const { length: items, keys } = loaded.arrivals;
    const service = serviceTimes(await this.store.services(stream.tenant, stream.operation, SERVICES), this.slots());
    const answer: Preview = {
      from: null,
      to: to - 1,
      arrivals: { items, keys: keys.length, leftOut: 0 },
      maxOpen: stream.maxOpen,
      service,
      calibration: null,
      current: null,
      candidate: null,
      sweep: null,
    };
    const calibrator = new Calibrator(Math.max(loaded.from, loaded.rulesSince), loaded.arrivals);
    for (const window of loaded.closed) calibrator.record(window);
    const together = loaded.rulesSince <= loaded.from;
    const current = await this.outcome(loaded, stream.rules, service, together ? calibrator : null);
    if (current.items === 0) return { ...answer, arrivals: { ...answer.arrivals, leftOut: items } };
    if (!together) await this.calibrate(stream, loaded, to, calibrator);
    const { candidate, sweep } = request;
    const points: NonNullable<Preview["sweep"]> = [];
    for (const { value, settings } of sweep ?? [])
      points.push({ value, outcome: (await this.outcome(loaded, settings, service, null)).outcome });
    return {
      ...answer,
      from: current.from,
      arrivals: { items, keys: keys.length, leftOut: items - current.items },
      calibration: calibrator.view(),
      current: current.outcome,
      candidate: sameRules(candidate, stream.rules) ? current.outcome : (await this.outcome(loaded, candidate, service, null)).outcome,
      sweep: sweep === null ? null : points,
    };
  }

  /** What these rules make of the arrivals of [from, to); null = none took part. */
  async predict(
    stream: Pick<PreviewedStream, "tenant" | "name">,
    rules: ClosureSettings,
    from: number,
    to: number,
  ): Promise<Measured | null> {
    const { items, outcome, from: first } = await this.outcome(await this.load(stream, from, to), rules, null, null);
    return items === 0 ? null : { from: first, to, figures: outcome.figures };
  }

  /** What really became of windows that opened at `from` or later and closed before `to`; null = none. */
  async measure(stream: Pick<PreviewedStream, "tenant" | "name">, from: number, to: number): Promise<Measured | null> {
    const counter = new FigureCounter(from, null);
    for await (const page of this.store.closed(stream.tenant, stream.name, { from, to }))
      for (const window of page) if (window.openedAt >= from) counter.add(window);
    const figures = counter.view(to);
    return figures.batches === 0 ? null : { from, to, figures };
  }

  private async outcome(
    recording: Recording,
    rules: ClosureSettings,
    service: ServiceTimes | null,
    calibrator: Calibrator | null,
  ): Promise<{ outcome: Outcome; items: number; from: number }> {
    const { arrivals, until } = recording;
    const counter = new FigureCounter(arrivals.at[0] ?? until, service);
    const { items, from, peakOpenItems } = await replay(recording, rules, (key, closure) => {
      counter.add(closure);
      calibrator?.replay(key, closure);
    });
    const figures = counter.view(until);
    return { outcome: { figures, peakOpenItems, refusal: refusalOf(figures, service) }, items, from };
  }

  /** The rules changed within the recording: what happened before says nothing about the ones in force. */
  private async calibrate(stream: PreviewedStream, whole: Loaded, to: number, calibrator: Calibrator): Promise<void> {
    const since = await this.load(stream, whole.rulesSince, to);
    const numbers = since.arrivals.keys.map((key) => whole.arrivals.find(key)!);
    await replay(since, stream.rules, (key, closure) => calibrator.replay(numbers[key]!, closure));
  }

  private async load(stream: Pick<PreviewedStream, "tenant" | "name">, from: number, to: number): Promise<Loaded> {
    const { store } = this;
    const { tenant, name } = stream;
    const arrivals = new ArrivalColumns();
    for await (const block of store.blocks(tenant, name, { from, to })) arrivals.read(block, { from, to });
    arrivals.sort();
    const closed: ClosedWindow[] = [];
    for await (const page of store.closed(tenant, name, { from, to })) closed.push(...page);
    const changes = (await store.rules(tenant, name, MOST_CHANGES)).filter(({ at }) => at < to).reverse();
    const pauses = changes.map((change) => ({ at: change.at, paused: rulesIn(change.after).paused }));
    const flushes = closed.flatMap(({ key, closedAt, reason }) => {
      const flush = arrivals.find(key);
      return reason === "manual" && flush !== undefined ? [{ at: closedAt, flush }] : [];
    });
    const acts: Act[] = [...pauses.filter(({ at }) => at >= from), ...flushes].sort((a, b) => a.at - b.at);
    return {
      arrivals,
      acts,
      paused: pauses.findLast(({ at }) => at < from)?.paused ?? false,
      until: to - 1,
      from,
      rulesSince: sinceOf(changes),
      closed,
    };
  }
}

/** Figures of a time, Unix milliseconds. */
export interface Measured {
  from: number;
  to: number;
  figures: Figures;
}

/** When the rules, apart from pauses, became what they are; -Infinity = no change is known. */
function sinceOf(changes: readonly RuleChange[]): number {
  return changes.findLast(({ before, after }) => before !== null && !sameRules(rulesIn(before), rulesIn(after)))?.at ?? -Infinity;
}
