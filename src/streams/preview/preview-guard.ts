import type { Clock } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import type { ImpactStore } from "../../store/port.ts";
import { CLOSURE_FIELDS } from "../definition.ts";

/** A change of a limit by more than this share of what it was. */
const LARGE = 0.2;
/** A preview holds for so long: traffic is another one by then. */
const KEPT_MS = 3_600_000;

type Rules = Readonly<Record<string, unknown>>;

/** Knows which rules were previewed, so that a large change can be held to one. */
export class PreviewGuard {
  private readonly clock: Clock;
  private readonly store: Pick<ImpactStore, "addPreview" | "previewedAt">;

  constructor(parts: { clock: Clock; store: Pick<ImpactStore, "addPreview" | "previewedAt"> }) {
    this.clock = parts.clock;
    this.store = parts.store;
  }

  /** `changes`: fields as they would be; null takes a rule away. */
  async previewed({ tenant, name }: { tenant: string; name: string }, now: Rules, changes: Rules): Promise<void> {
    const at = this.clock.now();
    await this.store.addPreview({ tenant, stream: name, rules: textOf({ ...now, ...changes }), at }, at - KEPT_MS);
  }

  /** Throws preview_required when a limit changes by more than a fifth and nobody looked at what that does. */
  async check({ tenant, name }: { tenant: string; name: string }, before: Rules, after: Rules): Promise<void> {
    const large = CLOSURE_FIELDS.find((field) => shareOf(before[field] ?? null, after[field] ?? null) > LARGE);
    if (large === undefined) return;
    const at = await this.store.previewedAt(tenant, name, textOf(after));
    if (at !== null && this.clock.now() - at < KEPT_MS) return;
    const [from, to] = [before[large], after[large]].map((value) =>
      value === undefined || value === null ? "none" : JSON.stringify(value),
    );
    throw new BatchyardError("preview_required", { stream: name, field: large, from: from!, to: to! });
  }
}

/** By how much a rule changes; one that comes, goes or is no number changes wholly. */
function shareOf(before: unknown, after: unknown): number {
  if (before === after) return 0;
  return typeof before === "number" && typeof after === "number" && before > 0 ? Math.abs(after / before - 1) : 1;
}

function textOf(rules: Rules): string {
  return JSON.stringify(CLOSURE_FIELDS.map((field) => rules[field] ?? null));
}
