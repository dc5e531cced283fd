import { BatchyardError, type Fault } from "../../model/errors.ts";
import { didYouMean, faultsOf } from "../../model/schema-faults.ts";
import { CLOSURE_FIELDS, streamDefinition, type ClosureSettings, type StreamDefinition } from "../definition.ts";

/** Changed alone, windows close as before: timers are exact. */
const WITHOUT_EFFECT = "checkIntervalSeconds";

/**
 * The rules that would be in force: the definition with some fields changed, null takes a rule away. Throws settings_invalid for
 * what a PUT would refuse, and for fields whose effect cannot be known from arrivals without their payload.
 */
export function candidateOf(definition: StreamDefinition, changes: Readonly<Record<string, unknown>>): ClosureSettings {
  const known: readonly string[] = Object.keys(streamDefinition.shape);
  const faults: Fault[] = [];
  const given: Record<string, unknown> = { ...definition };
  for (const [path, value] of Object.entries(changes)) {
    if (!known.includes(path)) {
      const meant = didYouMean(path, CLOSURE_FIELDS);
      faults.push({ path, message: `unknown field${meant === null ? "" : `; did you mean '${meant}'?`}`, code: "unknown_field" });
    } else if (path !== WITHOUT_EFFECT && !CLOSURE_FIELDS.some((field) => field === path)) {
      const message = `cannot be tried on recorded arrivals, which have no payload; possible: ${CLOSURE_FIELDS.join(", ")}`;
      faults.push({ path, message, code: "not_previewable" });
    } else if (value === null) delete given[path];
    else given[path] = value;
  }
  const parsed = streamDefinition.safeParse(given);
  if (!parsed.success) faults.push(...faultsOf(parsed.error, streamDefinition, given));
  if (!parsed.success || faults.length > 0) throw refused(faults);
  return closureSettings(parsed.data);
}

export function refused(errors: Fault[]): BatchyardError {
  const summary = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return new BatchyardError("settings_invalid", { summary }, { errors });
}

export function closureSettings(definition: ClosureSettings): ClosureSettings {
  return Object.fromEntries(
    CLOSURE_FIELDS.flatMap((field) => (definition[field] === undefined ? [] : [[field, definition[field]]])),
  ) as ClosureSettings;
}

/** As the history of rules keeps them. */
export interface StoredRules extends ClosureSettings {
  paused: boolean;
}

export function storedRules(definition: ClosureSettings, paused: boolean): StoredRules {
  return { ...closureSettings(definition), paused };
}

/** Out of the store, where only `storedRules` puts them. */
export function rulesIn(stored: Readonly<Record<string, unknown>>): StoredRules {
  return storedRules(stored, stored["paused"] === true);
}

/** Whether windows close by the same rules, paused or not. */
export function sameRules(a: ClosureSettings, b: ClosureSettings): boolean {
  return JSON.stringify(closureSettings(a)) === JSON.stringify(closureSettings(b));
}
