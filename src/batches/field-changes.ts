import { isDeepStrictEqual } from "node:util";

/** One place at which two JSON values differ. */
export interface FieldChange {
  /** `result.tags[2]`; a name with other characters than letters, digits, _ and - stands in brackets as JSON. */
  path: string;
  /** JSON text of the value, cut to what differs where it is long; null = it is not there. */
  a: string | null;
  b: string | null;
}

/** Fields of one item that are told; the rest is counted. */
const MOST_FIELDS = 40;
const MOST_CHARACTERS = 400;
/** Characters of a long text before the first that differs. */
const BEFORE = 60;

/** Where two JSON values differ, in the order of the fields of the first, then what only the second has. */
export function fieldChanges(a: unknown, b: unknown): { changes: FieldChange[]; more: number } {
  const changes: FieldChange[] = [];
  let more = 0;
  const differ = (path: string, x: unknown, y: unknown): void => {
    if (isDeepStrictEqual(x, y)) return;
    if (isRecord(x) && isRecord(y)) {
      for (const name of new Set([...Object.keys(x), ...Object.keys(y)])) differ(under(path, name), own(x, name), own(y, name));
    } else if (Array.isArray(x) && Array.isArray(y)) {
      for (let i = 0; i < Math.max(x.length, y.length); i++) differ(`${path}[${i}]`, x[i], y[i]);
    } else if (textOf(x) === textOf(y)) return;
    else if (changes.length < MOST_FIELDS) changes.push({ path, ...textsOf(x, y) });
    else more += 1;
  };
  differ("", a, b);
  return { changes, more };
}

function textsOf(x: unknown, y: unknown): Pick<FieldChange, "a" | "b"> {
  const [a, b] = [textOf(x), textOf(y)];
  if (a === null || b === null) return { a: a === null ? null : cut(a, 0), b: b === null ? null : cut(b, 0) };
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const from = Math.max(a.length, b.length) <= MOST_CHARACTERS ? 0 : Math.max(0, same - BEFORE);
  return { a: cut(a, from), b: cut(b, from) };
}

const textOf = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));

function cut(text: string, from: number): string {
  const end = from + MOST_CHARACTERS;
  return `${from === 0 ? "" : "…"}${text.slice(from, end)}${text.length > end ? "…" : ""}`;
}

function under(path: string, name: string): string {
  if (!/^[\w-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}

/** Not what every object inherits: a field may be called `constructor`. */
function own(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
