import type { Clock } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import { CLOSURE_FIELDS } from "../definition.ts";

/** A change of a limit by more than this share of what it was. */
const LARGE = 0.2;
/** A preview holds for so long: traffic is another one by then. */
const KEPT_MS = 3_600_000;
const MOST = 1_000;

type Rules = Readonly<Record<string, unknown>>;

/** Remembers which rules were previewed, so that a large change can be held to one. A restart forgets them: then it is previewed again. */
export class PreviewGuard {
  private readonly clock: Clock;
  /** By stream and rules, when. */
  private readonly seen = new Map<string, number>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** `changes`: fields as they would be; null takes a rule away. */
  previewed(stream: { tenant: string; name: string }, now: Rules, changes: Rules): void {
    if (this.seen.size >= MOST) this.seen.clear();
    this.seen.set(keyOf(stream, { ...now, ...changes }), this.clock.now());
  }

  /** Throws preview_required when a limit changes by more than a fifth and nobody looked at what that does. */
  check(stream: { tenant: string; name: string }, before: Rules, after: Rules): void {
    const large = CLOSURE_FIELDS.find((field) => shareOf(before[field] ?? null, after[field] ?? null) > LARGE);
    if (large === undefined) return;
    const at = this.seen.get(keyOf(stream, after));
    if (at !== undefined && this.clock.now() - at < KEPT_MS) return;
    const [from, to] = [before[large], after[large]].map((value) =>
      value === undefined || value === null ? "none" : JSON.stringify(value),
    );
    throw new BatchyardError("preview_required", { stream: stream.name, field: large, from: from!, to: to! });
  }
}

/** By how much a rule changes; one that comes, goes or is no number changes wholly. */
function shareOf(before: unknown, after: unknown): number {
  if (before === after) return 0;
  return typeof before === "number" && typeof after === "number" && before > 0 ? Math.abs(after / before - 1) : 1;
}

function keyOf({ tenant, name }: { tenant: string; name: string }, rules: Rules): string {
  return JSON.stringify([tenant, name, ...CLOSURE_FIELDS.map((field) => rules[field] ?? null)]);
}
