import type { Stream } from "batchyard/client";
import { client } from "../../../data/client.ts";
import { definitionOf } from "../../../data/streams.ts";
import type { RuleField } from "../../../streams/rule-fields.tsx";
import type { RuleChanges } from "./draft.ts";

/** Rules of `detections` that the settings of the server decide. */
export const SETTING_OF: Readonly<Partial<Record<RuleField["name"], string>>> = {
  windowSeconds: "window_seconds",
  idleTimeoutSeconds: "idle_timeout_seconds",
  maxItems: "max_detections",
};
/** What a change of `detections` may say of the rest. */
const OWN = ["operation", "options", "maxBytes", "minItems", "maxWaitSeconds", "schedule", "overflow", "maxOpen"];

/** Puts changed rules in force, where they belong. Throws what the server refuses. */
export async function applyRules(stream: Stream, changes: RuleChanges, reason: string): Promise<void> {
  const extras = reason === "" ? {} : { reason };
  const given = { ...definitionOf(stream), paused: stream.paused, ...changes };
  const kept = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  if (stream.name !== "detections") {
    await client.streams.put(stream.name, Object.fromEntries(kept), { ...extras, preview: "required" });
    return;
  }
  const settings = Object.entries(changes).flatMap(([name, value]) => {
    const setting = SETTING_OF[name as RuleField["name"]];
    return setting === undefined ? [] : [[setting, value ?? ""] as const];
  });
  if (settings.length > 0) await client.settings.change({ batch: Object.fromEntries(settings) }, { ...extras, preview: "required" });
  if (settings.length === Object.keys(changes).length) return;
  await client.streams.put(stream.name, Object.fromEntries(kept.filter(([name]) => OWN.includes(name) || name === "paused")), {
    ...extras,
    preview: "required",
  });
}
