export interface Change {
  /** Where in the thing: `batch.window_seconds`; empty when the whole is one value. */
  path: string;
  before: unknown;
  after: unknown;
  kind: "added" | "removed" | "changed" | "same";
}

/** What was different after, path by path; what stayed the same stands there as `same`. */
export function changesOf(before: unknown, after: unknown): Change[] {
  const left = new Map(leaves(before, ""));
  const right = new Map(leaves(after, ""));
  return [...new Set([...left.keys(), ...right.keys()])].map((path) => {
    const [was, is] = [left.get(path), right.get(path)];
    const kind = !left.has(path) ? "added" : !right.has(path) ? "removed" : JSON.stringify(was) === JSON.stringify(is) ? "same" : "changed";
    return { path, before: was, after: is, kind };
  });
}

/** Nothing has no leaves: what appears then was added. */
function leaves(value: unknown, path: string): [string, unknown][] {
  if (value === null || value === undefined) return path === "" ? [] : [[path, value ?? null]];
  if (typeof value !== "object" || Array.isArray(value)) return [[path, value]];
  const entries = Object.entries(value);
  return entries.length === 0 && path !== ""
    ? [[path, value]]
    : entries.flatMap(([name, each]) => leaves(each, path === "" ? name : `${path}.${name}`));
}

/** `priority normal → high`, the first ones. */
export function changesInBrief(before: unknown, after: unknown): string {
  const changes = changesOf(before, after).filter(({ kind }) => kind !== "same");
  const said = changes.slice(0, 3).map(({ path, before: was, after: is, kind }) => {
    const name = path === "" ? "" : `${path} `;
    return kind === "added" ? `${name}${written(is)}` : `${name}${written(was)} → ${kind === "removed" ? "none" : written(is)}`;
  });
  return said.join(", ") + (changes.length > 3 ? ` and ${changes.length - 3} more` : "");
}

export function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
