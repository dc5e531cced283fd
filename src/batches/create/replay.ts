import { setImmediate } from "node:timers/promises";
import { jsonOf } from "../../intake/inline.ts";
import { ITEM_LIMITS, scanJson } from "../../intake/scan.ts";
import { oneLine } from "../../intake/slice-items.ts";
import type { BatchRow } from "../../model/batch.ts";
import { BatchyardError, invalid, type Fault } from "../../model/errors.ts";
import { joinLines, splitLines } from "../../model/item.ts";
import { priorityName } from "../../model/priority.ts";
import type { MemberBlock, Store } from "../../store/port.ts";
import { sharedOptions } from "../options.ts";
import type { CreateRequest, ReplayRequest } from "../service.ts";

const MOST_NAME = 200;
/** Faults that are listed; the rest is counted. */
const SHOWN = 100;
/** Options that say how items become chunks. */
const CUTTING = ["batchSize", "concurrency", "executor"] as const;

/** The request a replay stands for: what the original had, but for what is asked otherwise; and what of it could not be taken over. */
export function replayRequest(original: BatchRow, asked: ReplayRequest): { request: CreateRequest; warnings: string[] } {
  const warnings: string[] = [];
  const operation = asked.operation ?? original.operation;
  // The own options of one operation mean nothing to another.
  const taken: Record<string, unknown> = { ...(operation === original.operation ? original.options : sharedOptions(original.options)) };
  if (original.options.deadline !== undefined && asked.options?.["deadline"] === undefined) {
    warnings.push(`deadline ${original.options.deadline} was that of ${original.id}; this batch has none unless you set one`);
    // Without a deadline there is nothing to hedge.
    delete taken["deadline"];
    delete taken["hedgeMs"];
  }
  const options = Object.fromEntries(Object.entries({ ...taken, ...asked.options }).filter(([, value]) => value !== null));
  const priority = asked.priority ?? (asked.options?.["priority"] === undefined ? priorityName(original.priority) : undefined);
  const request: CreateRequest = {
    ...(asked.id === undefined ? {} : { id: asked.id }),
    operation,
    options,
    priority,
    name: asked.name ?? nameOf(original),
    description: asked.description ?? original.description ?? undefined,
    tags: asked.tags ?? original.tags,
    metadata: asked.metadata ?? original.metadata ?? undefined,
  };
  return { request, warnings };
}

function nameOf({ replayOf, name, id }: BatchRow): string {
  return replayOf !== null && name !== null ? name : `Replay of ${name ?? id}`.slice(0, MOST_NAME);
}

/** Do the items stay in the chunks they were in? A selection, or another way to run them, is cut anew. */
export function keepsCut(original: BatchRow, asked: ReplayRequest, executor: string): boolean {
  return (
    (asked.items ?? "all") === "all" &&
    (asked.operation ?? original.operation) === original.operation &&
    executor === original.executor &&
    CUTTING.every((name) => asked.options?.[name] === undefined)
  );
}

/** Payload texts by key. Throws validation_failed with every payload that could not be an item. */
export function editsOf(asked: ReplayRequest): Map<string, string> {
  const edits = new Map<string, string>();
  const faults: Fault[] = [];
  for (const [key, payload] of Object.entries(asked.edits ?? {})) {
    const path = `edits.${key}`;
    const written = typeof payload === "string" ? { text: oneLine(payload) } : jsonOf(payload);
    if ("fault" in written) {
      faults.push({ path, ...written.fault });
      continue;
    }
    const fault = scanJson(written.text, ITEM_LIMITS);
    if (fault !== null) faults.push({ path, code: fault.code, message: `column ${fault.column}: ${fault.message}` });
    else edits.set(key, written.text);
  }
  if (faults.length > 0) throw invalid(faults);
  return edits;
}

/** `edited`: it holds a payload that the original did not have. */
export interface ReplayBlock extends MemberBlock {
  edited: boolean;
}

/**
 * The items that are replayed, block by block in constant memory, with the edits in their places. The end throws nothing_to_replay,
 * payloads_missing, and validation_failed for keys and edits that met no item.
 */
export async function* replayedItems(
  { chunks, batches }: Pick<Store, "chunks" | "batches">,
  original: BatchRow,
  selection: ReplayRequest["items"],
  edits: ReadonlyMap<string, string>,
): AsyncGenerator<ReplayBlock> {
  const which = selection ?? "all";
  const unmet = new Set(edits.keys());
  const unfound = new Set(typeof which === "string" ? [] : which);
  let items = 0;
  for await (const { keys, body } of chunks.members(original.tenant, original.id, which)) {
    items += keys.length;
    for (const key of unfound.size > 0 ? keys : []) unfound.delete(key);
    const places = unmet.size === 0 ? [] : keys.flatMap((key, index) => (unmet.delete(key) ? [index] : []));
    if (places.length === 0) yield { keys, body, edited: false };
    else {
      const texts = splitLines(body);
      for (const index of places) texts[index] = edits.get(keys[index]!)!;
      yield { keys, body: joinLines(texts), edited: true };
    }
    // Others get their turn between two blocks.
    await setImmediate();
  }
  const faults = faultsOf(which, unfound, unmet, original.id);
  if (faults.length > 0) throw invalid(faults);
  // Removed while it was read: what came may be a part.
  const removed = (await batches.get(original.tenant, original.id)) === null;
  if (removed)
    throw new BatchyardError("payloads_missing", { id: original.id, missing: original.totalItems, expected: original.totalItems });
  const expected = which === "all" ? original.totalItems : which === "failed" && items === 0 ? original.failed : items;
  if (items < expected) throw new BatchyardError("payloads_missing", { id: original.id, missing: expected - items, expected });
  if (items === 0) throw new BatchyardError("nothing_to_replay", { id: original.id });
}

function faultsOf(
  which: NonNullable<ReplayRequest["items"]>,
  unfound: ReadonlySet<string>,
  unmet: ReadonlySet<string>,
  id: string,
): Fault[] {
  const faults: Fault[] = [];
  if (typeof which !== "string") {
    for (const [index, key] of which.entries())
      if (unfound.has(key)) faults.push({ path: `items.${index}`, code: "unknown_item", message: `'${key}' is no item of ${id}` });
  }
  for (const key of unmet)
    faults.push({ path: `edits.${key}`, code: "unknown_item", message: `'${key}' is not among the items that are replayed` });
  const more = faults.length - SHOWN;
  return more <= 0 ? faults : [...faults.slice(0, SHOWN), { path: "", code: "more_faults", message: `and ${more} more` }];
}
