import type { Setting } from "./queries.ts";

/** What was typed and not yet saved, by path. */
export type Draft = Readonly<Record<string, string | boolean>>;
export type Value = Setting["value"];

/** A value as a field shows it. */
export function fieldValue({ value }: Pick<Setting, "value">): string | boolean {
  if (typeof value === "boolean") return value;
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** What stands in a field, as the server takes it. What is no number goes as it was typed: the server says what is wrong with it. */
export function valueOf({ kind }: Pick<Setting, "kind">, typed: string | boolean): Value {
  if (typeof typed === "boolean") return typed;
  const text = typed.trim();
  if (kind === "number") return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind !== "list") return text;
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** What is still to be saved of a draft, after that was saved of which it was when it was sent. */
export function withoutSaved(now: Draft, sent: Draft): Draft {
  return Object.fromEntries(Object.entries(now).filter(([path, typed]) => typed !== sent[path]));
}

/** The settings whose fields say something else than the server. */
export function changed(settings: readonly Setting[], draft: Draft): Setting[] {
  return settings.filter((setting) => {
    const typed = draft[setting.path];
    return typed !== undefined && JSON.stringify(valueOf(setting, typed)) !== JSON.stringify(setting.value);
  });
}

/** Nested, as PATCH takes it. */
export function patchOf(settings: readonly Setting[], draft: Draft): Record<string, Record<string, Value>> {
  const patch: Record<string, Record<string, Value>> = {};
  for (const setting of changed(settings, draft))
    patch[setting.category] = { ...patch[setting.category], [setting.field]: valueOf(setting, draft[setting.path] ?? "") };
  return patch;
}

/** Rules of windows: what they do can be tried on recorded arrivals before they are in force. */
const PREVIEWABLE: ReadonlySet<string> = new Set(["batch.window_seconds", "batch.idle_timeout_seconds", "batch.max_detections"]);
const LARGE = 0.2;

export function previewable(settings: readonly Setting[], draft: Draft): Setting[] {
  return changed(settings, draft).filter(({ path }) => PREVIEWABLE.has(path));
}

/** A rule of windows moves by more than a fifth: what it would have done should be seen first. */
export function isLarge(settings: readonly Setting[], draft: Draft): boolean {
  return previewable(settings, draft).some((setting) => {
    const next = valueOf(setting, draft[setting.path] ?? "");
    return typeof next === "number" && typeof setting.value === "number" && Math.abs(next - setting.value) > LARGE * setting.value;
  });
}
