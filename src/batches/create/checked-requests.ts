import { refusedRequest } from "../../executors/openai-batch/request-plan.ts";
import { invalid, type Fault } from "../../model/errors.ts";
import type { ItemText } from "../../model/item.ts";
import type { Operation } from "../../operations/operation.ts";
import { unreadable } from "../../operations/rows.ts";
import type { Provider } from "../../providers/provider.ts";

/** Faults that are listed; the rest is counted. */
const SHOWN = 100;

/**
 * Items whose requests a provider would take, as they come. The end throws bad_items with the first hundred faults, each with the place
 * of its item, when there are any: what a provider refuses hours later is refused here first.
 */
export async function* checkedRequests(
  source: AsyncIterable<ItemText[]>,
  parts: { operation: Operation; options: unknown; providerFor(model: string): Provider | null },
): AsyncGenerator<ItemText[]> {
  const faults: Fault[] = [];
  let position = 0;
  let more = 0;
  for await (const block of source) {
    for (const { key, text } of block) {
      position += 1;
      const item = { key, payload: JSON.parse(text) as unknown };
      // A row that could not be read fails by itself, as it does under every executor.
      const fault = unreadable(item) === null ? refusedRequest(item, parts) : null;
      if (fault === null) continue;
      if (faults.length < SHOWN) faults.push({ path: `item ${position}`, message: `${key}: ${fault.error}`, code: fault.code });
      else more += 1;
    }
    if (faults.length === 0) yield block;
  }
  if (more > 0) faults.push({ path: "", message: `and ${more} more items`, code: "more_faults" });
  if (faults.length > 0) throw invalid(faults, "bad_items");
}
