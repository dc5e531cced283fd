import { OperationError } from "../model/failure.ts";

export type Row = Record<string, unknown>;

/** Rows in blocks; as a function they can be read again from the start. */
export type WriteSource = AsyncIterable<Row[]> | (() => AsyncIterable<Row[]>);

/** Rows of a source that can be read only once which decide its columns. */
const LOOK_ROWS = 1000;

/** Holds, as JSON, the fields that came after the columns were decided. */
const MORE_COLUMN = "_more";

/** The columns of a table and its rows as cells in their order; undefined is an empty cell. */
export interface Columns {
  names: string[];
  rows: AsyncIterable<unknown[][]>;
}

/**
 * Decides the columns of a table. No field is ever lost silently:
 *
 *     fields given            exactly these, in this order
 *     source is a function    read twice: every field that occurs, in order of appearance
 *     source is an iterable   the fields of its first 1,000 rows; if there are more rows, a last column `_more` holds the
 *                             other fields of a row as one JSON object
 *
 * Throws OperationError `source_changed` (transient) when a second reading shows a field the first did not.
 */
export async function columnsOf(source: WriteSource, fields?: readonly string[]): Promise<Columns> {
  if (fields !== undefined)
    return { names: [...fields], rows: cellsOf(typeof source === "function" ? source() : source, [...fields], "drop") };
  if (typeof source === "function") {
    const names = new Set<string>();
    for await (const block of source()) addFields(names, block);
    return { names: [...names], rows: cellsOf(source(), [...names], "refuse") };
  }
  const names = new Set<string>();
  const { blocks, all, ended } = await lookAhead(source);
  for (const block of blocks) addFields(names, block);
  if (ended) return { names: [...names], rows: cellsOf(all, [...names], "drop") };
  names.delete(MORE_COLUMN);
  return { names: [...names, MORE_COLUMN], rows: cellsOf(all, [...names], "more") };
}

function addFields(names: Set<string>, block: readonly Row[]): void {
  for (const row of block) for (const name in row) if (!names.has(name)) names.add(name);
}

async function* cellsOf(
  blocks: AsyncIterable<Row[]>,
  names: string[],
  others: "drop" | "refuse" | "more",
): AsyncGenerator<unknown[][], void, undefined> {
  const known = new Set(names);
  for await (const block of blocks) {
    yield block.map((row) => {
      const cells = names.map((name) => (Object.hasOwn(row, name) ? row[name] : undefined));
      if (others !== "drop") {
        const more = Object.keys(row).filter((name) => !known.has(name));
        if (more.length > 0 && others === "refuse") {
          throw new OperationError(`The field '${more[0]}' appeared in the source while it was written; name the fields to write`, {
            code: "source_changed",
            category: "transient",
          });
        }
        if (others === "more") cells.push(more.length === 0 ? undefined : Object.fromEntries(more.map((name) => [name, row[name]])));
      }
      return cells;
    });
  }
}

async function lookAhead(source: AsyncIterable<Row[]>): Promise<{ blocks: Row[][]; all: AsyncIterable<Row[]>; ended: boolean }> {
  const iterator = source[Symbol.asyncIterator]();
  const blocks: Row[][] = [];
  let ended = false;
  for (let rows = 0; rows <= LOOK_ROWS; rows += blocks.at(-1)!.length) {
    const next = await iterator.next();
    if (next.done === true) {
      ended = true;
      break;
    }
    blocks.push(next.value);
  }
  async function* all(): AsyncGenerator<Row[]> {
    try {
      yield* blocks;
      if (ended) return;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { blocks, all: all(), ended };
}
