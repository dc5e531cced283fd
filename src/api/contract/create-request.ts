import { ownOptions, sharedOptions } from "../../batches/options.ts";
import type { CreateRequest } from "../../batches/service.ts";
import { type Fault, invalid } from "../../model/errors.ts";
import { runOptions } from "../../model/run-options.ts";
import { faultsOf } from "../../model/schema-faults.ts";
import type { Registry } from "../../operations/registry.ts";
import { createRequest } from "./batch.ts";

/**
 * A create request, over HTTP or from a program. Throws validation_failed; when it has faults, those of its options are said with
 * them, and those of the items that came within it, so that one answer is enough to mend it. `itemFaults` is asked only then.
 */
export function parseRequest(
  value: unknown,
  registry: Pick<Registry, "get" | "has">,
  itemFaults: () => readonly Fault[] = () => [],
): CreateRequest {
  const parsed = createRequest.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid([...faultsOf(parsed.error, createRequest, value), ...optionFaults(value, registry), ...itemFaults()]);
}

function optionFaults(value: unknown, registry: Pick<Registry, "get" | "has">): Fault[] {
  if (typeof value !== "object" || value === null) return [];
  const { operation, options } = value as Record<string, unknown>;
  if (typeof options !== "object" || options === null || Array.isArray(options)) return [];
  const shared = sharedOptions(options as Record<string, unknown>);
  const own = ownOptions(options as Record<string, unknown>);
  const run = runOptions.safeParse(shared);
  const faults = run.success ? [] : faultsOf(run.error, runOptions, shared);
  if (typeof operation === "string" && registry.has(operation)) {
    const schema = registry.get(operation).options;
    const parsed = schema.safeParse(own);
    if (!parsed.success) faults.push(...faultsOf(parsed.error, schema, own));
  }
  return faults.map((fault) => ({ ...fault, path: fault.path === "" ? "options" : `options.${fault.path}` }));
}
