import type { ReadRow, RowBlocks } from "./row.ts";

/** Bytes in pieces of `size`: reading must not depend on where they are cut. */
export async function* pieces(bytes: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(bytes);
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

export async function collect(blocks: RowBlocks): Promise<ReadRow[]> {
  const rows: ReadRow[] = [];
  for await (const block of blocks) rows.push(...block);
  return rows;
}

/** Records, and faults as "code@line". */
export async function outline(blocks: RowBlocks): Promise<(Record<string, unknown> | string)[]> {
  return (await collect(blocks)).map(({ record, fault }) => (fault === undefined ? record : `${fault.code}@${fault.line}`));
}

export async function joined(blocks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const block of blocks) parts.push(block);
  return Buffer.concat(parts);
}

export async function* inBlocks<T>(rows: readonly T[], size = 2): AsyncGenerator<T[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}
