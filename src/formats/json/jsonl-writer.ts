import type { WriteSource } from "../columns.ts";

/** One JSON object a line, in blocks; with `fields`, only those, in their order. */
export async function* writeJsonl(source: WriteSource, fields?: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const block of typeof source === "function" ? source() : source) {
    let text = "";
    for (const row of block) text += `${JSON.stringify(fields === undefined ? row : pick(row, fields))}\n`;
    if (text !== "") yield Buffer.from(text);
  }
}

function pick(row: Record<string, unknown>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(fields.filter((name) => Object.hasOwn(row, name)).map((name) => [name, row[name]]));
}
