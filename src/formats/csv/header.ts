import type { RowFault } from "../row.ts";

/** Columns of one table; a header beyond this is a file of another kind. */
const MAX_COLUMNS = 16_384;

/** The fault of a header row, or null. Names are compared exactly; `code` is the format's own. */
export function headerFault(names: readonly string[], code: "bad_csv" | "bad_xlsx", line: number | null): RowFault | null {
  const place = line === null ? "The header row" : `Line ${line} (the header)`;
  const fault = (message: string): RowFault => ({ code, message, line });
  if (names.length > MAX_COLUMNS) return fault(`${place} has ${names.length} columns; at most ${MAX_COLUMNS} are read`);
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    if (name === "") return fault(`${place} has no name for column ${index + 1}; name every column`);
    // Assigning it to an object would set the prototype instead of a field.
    if (name === "__proto__") return fault(`${place} names column ${index + 1} '__proto__', which is not allowed; rename it`);
    const first = seen.get(name);
    if (first !== undefined) return fault(`${place} names columns ${first} and ${index + 1} both '${name}'; names must be unique`);
    seen.set(name, index + 1);
  }
  return null;
}
