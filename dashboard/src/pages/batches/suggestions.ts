import { QUALIFIERS } from "batchyard/client";
import { BATCH_LOOK } from "../../parts/states.ts";

const MOST = 12;

/** Whole texts that what is being typed could become: names of qualifiers, and values where they are known. */
export function suggestions(text: string, operations: readonly string[]): string[] {
  const at = text.lastIndexOf(" ") + 1;
  const [before, last] = [text.slice(0, at), text.slice(at)];
  if (last === "") return [];
  const values: readonly string[] = last.startsWith("op:")
    ? operations.map((name) => `op:${name.includes(" ") ? `"${name}"` : name}`)
    : last.startsWith("state:")
      ? Object.keys(BATCH_LOOK).map((state) => `state:${state}`)
      : /^age[<>]/.test(last)
        ? ["5m", "1h", "1d", "7d"].map((age) => `${last.slice(0, 4)}${age}`)
        : QUALIFIERS;
  return values
    .filter((value) => value.startsWith(last) && value !== last)
    .map((value) => `${before}${value}`)
    .slice(0, MOST);
}
