export const BOTTLENECKS = ["window", "dispatch", "capacity", "handler", "retry", "throttle"] as const;
export type BottleneckKind = (typeof BOTTLENECKS)[number];

/** What the verdict looks at, of one queue, one stream with its queue, or all. Times are 95th percentiles in milliseconds. */
export interface StageFigures {
  /** Age of windows when they closed; null where nothing is collected. */
  windowMs: number | null;
  /** From creation to start; null = nothing ended lately. */
  waitMs: number | null;
  /** From start to end. */
  runMs: number | null;
  /** Share of the slots in use, 0..1, over the time the figures are of; null = nobody knows. */
  utilisation: number | null;
  /** Batches that wait or run now, and how many more they become a minute. */
  open: number;
  growthPerMinute: number;
  /** Items with a final result, items put off for another try, and items refused for coming too fast. */
  settled: number;
  retried: number;
  rateLimited: number;
  /** Share of what runs that waits for its own rate limit. */
  limited: number;
  breakerOpen: boolean;
}

export interface Bottleneck {
  kind: BottleneckKind;
  sentence: string;
  /** Of the sum of the three percentiles. */
  shares: { window: number; dispatch: number; run: number };
  endToEndMs: number;
}

/** Slots are full from here on: queues grow without bound as this nears 1. */
const FULL = 0.8;
/** Tries beyond the first, as a share of all tries, that make retrying what takes the time. */
const MANY_RETRIES = 0.25;
const MANY_REFUSED = 0.1;
const MANY_LIMITED = 0.3;

/** Where the time goes, and why; null when nothing has ended lately and nothing is held up. */
export function bottleneckOf(figures: StageFigures): Bottleneck | null {
  const { windowMs, waitMs, runMs, open, breakerOpen } = figures;
  const window = windowMs ?? 0;
  const wait = waitMs ?? 0;
  const run = runMs ?? 0;
  const endToEndMs = window + wait + run;
  const shares = { window: share(window, endToEndMs), dispatch: share(wait, endToEndMs), run: share(run, endToEndMs) };
  const found = (kind: BottleneckKind, sentence: string): Bottleneck => ({ kind, sentence, shares, endToEndMs });
  if (breakerOpen && open > 0)
    return found("throttle", `The breaker is open: what the handler talks to fails, and ${batches(open)} wait until it answers again.`);
  const tries = figures.settled + figures.retried;
  const refused = share(figures.rateLimited, tries);
  const isStarved = waitMs === null && runMs === null;
  if (isStarved && (open === 0 || endToEndMs === 0)) return open === 0 ? null : starved(figures, found);
  const p95 = `the 95th percentile of ${time(endToEndMs)}`;
  if (shares.window >= shares.dispatch && shares.window >= shares.run)
    return found("window", `${percent(shares.window)} of ${p95} is items waiting for their window to close: shorter windows would help.`);
  if (refused >= MANY_REFUSED)
    return found("throttle", `${percent(refused)} of the tries are refused for coming too fast: what the handler talks to sets the pace.`);
  if (figures.limited >= MANY_LIMITED)
    return found("throttle", `A rate limit holds back ${percent(figures.limited)} of the work that could go on: raising it would help.`);
  const again = share(figures.retried, tries);
  const used = figures.utilisation ?? 0;
  if (again >= MANY_RETRIES)
    return found("retry", `${percent(again)} of the tries are repetitions: what makes them fail takes ${percent(shares.run)} of ${p95}.`);
  const full = used >= FULL || (figures.utilisation === null && figures.growthPerMinute > 0);
  if (shares.dispatch >= shares.run || (full && shares.dispatch >= 0.3)) {
    const waiting = `${percent(shares.dispatch)} of ${p95} is waiting for a slot`;
    if (full)
      return found("capacity", `${waiting}, and ${percent(used)} of the slots are in use${growing(figures)}: more workers would help.`);
    return found("dispatch", `${waiting} although only ${percent(used)} of the slots are in use: batches start late.`);
  }
  return found(
    "handler",
    `${percent(shares.run)} of ${p95} is the handler itself, with ${percent(used)} of the slots in use: a faster one would help.`,
  );
}

/** Batches are there, and none has ended: either nobody works, or what runs takes longer than we look back. */
function starved(figures: StageFigures, found: (kind: BottleneckKind, sentence: string) => Bottleneck): Bottleneck {
  const { utilisation, open } = figures;
  if (figures.limited >= MANY_LIMITED) return found("throttle", `A rate limit holds back ${batches(open)}, and none has ended lately.`);
  if (utilisation === null || utilisation === 0) return found("dispatch", `${batches(open)} wait, and no worker takes them up.`);
  if (utilisation >= FULL && figures.growthPerMinute > 0)
    return found(
      "capacity",
      `None of ${batches(open)} has ended lately, and ${percent(utilisation)} of the slots are in use${growing(figures)}.`,
    );
  return found("handler", `None of ${batches(open)} has ended lately: the handler is still at work on them.`);
}

function growing({ growthPerMinute }: StageFigures): string {
  return growthPerMinute < 0.05 ? "" : `, while ${growthPerMinute.toFixed(1)} more come than end each minute`;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

function batches(n: number): string {
  return n === 1 ? "1 batch" : `${n} batches`;
}

/** 0.35 s, 12 s, 4.5 min, 2.1 h */
export function time(ms: number): string {
  if (ms < 10_000) return `${Number((ms / 1000).toPrecision(2))} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Number((ms / 60_000).toPrecision(2))} min` : `${Number((ms / 3_600_000).toPrecision(2))} h`;
}
