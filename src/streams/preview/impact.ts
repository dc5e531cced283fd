import type { Clock } from "../../model/clock.ts";
import type { ImpactStore } from "../../store/port.ts";
import { candidateOf, closureSettings, refused, storedRules } from "./candidate.ts";
import type { ClosureSettings } from "../definition.ts";
import type { OpenStream } from "../open-stream.ts";
import { ImpactPreview, type Preview } from "./preview.ts";
import { RuleLog, type ChangeReport } from "./rule-log.ts";

const DAY_MS = 86_400_000;

export interface PreviewRequest {
  /** Fields of the definition as they would be; null takes a rule away. */
  changes: Readonly<Record<string, unknown>>;
  /** Unix milliseconds; null = a day ago. */
  since: number | null;
  /** The same with one field at each of these values. */
  sweep: { field: string; values: readonly number[] } | null;
}

/** Previews of streams, and the history of their rules. */
export class StreamImpact {
  private readonly preview: ImpactPreview;
  private readonly log: RuleLog;
  private readonly clock: Clock;
  private readonly noted = new WeakSet<OpenStream>();

  constructor(parts: { store: ImpactStore; clock: Clock; slots: () => number; failed: (error: unknown) => void }) {
    this.clock = parts.clock;
    this.preview = new ImpactPreview(parts);
    this.log = new RuleLog({ ...parts, preview: this.preview });
  }

  /** Throws settings_invalid. */
  async run(stream: OpenStream, { changes, since, sweep }: PreviewRequest): Promise<{ preview: Preview; candidate: ClosureSettings }> {
    const { definition } = stream;
    const candidate = candidateOf(definition, changes);
    const now = this.clock.now();
    if (since !== null && since > now) throw refused([{ path: "since", message: "must not be in the future", code: "out_of_range" }]);
    const values = sweep?.values.map((value) => ({ value, settings: candidateOf(definition, { ...changes, [sweep.field]: value }) }));
    const { tenant, name } = stream;
    const preview = await this.preview.preview(
      { tenant, name, operation: definition.operation, maxOpen: definition.maxOpen, rules: closureSettings(definition) },
      { candidate, since: since ?? now - DAY_MS, sweep: values ?? null },
    );
    return { preview, candidate };
  }

  history(stream: OpenStream): Promise<ChangeReport[]> {
    return this.log.history(stream);
  }

  /** Items come, or the stream was redefined: its rules are known from now on. */
  note(stream: OpenStream, redefined: boolean): void {
    if (!redefined && this.noted.has(stream)) return;
    this.noted.add(stream);
    this.log.note(stream, storedRules(stream.definition, stream.paused));
  }

  forget(stream: OpenStream): void {
    this.log.forget(stream);
  }

  /** Predictions and figures that are due. */
  settle(): Promise<void> {
    return this.log.settle();
  }

  idle(): Promise<void> {
    return this.log.idle();
  }
}
