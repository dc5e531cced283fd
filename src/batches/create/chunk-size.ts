/** What a chunk should take when the operation's speed is known: long enough to make its costs small, short enough to be fair. */
const CHUNK_MS = 1500;
const LARGEST_CHUNK = 2000;
/** Payload characters a chunk may hold, whatever its number of items: a chunk is in memory as a whole. */
export const CHUNK_CHARS = 4 * 1024 * 1024;

/** The same for chunks that become a file upstream, and so are few and large. Providers take up to 200 MB; a chunk is in memory here. */
export const UPSTREAM_CHARS = 32 * 1024 * 1024;
/** What OpenAI takes in one file. A provider that takes less has larger chunks cut when they run. */
export const UPSTREAM_ITEMS = 50_000;

/**
 * Items of the next chunk of a batch. Given: the batch's own batchSize. Known speed: CHUNK_MS of work. Else it grows with
 * the batch, an eighth of what is there already: a small batch spreads over slots, a large one gets large chunks.
 */
export function chunkSize(
  options: { batchSize: number | undefined; msPerItem: number | null; lanes: number; firstSize: number },
  position: number,
): number {
  if (options.batchSize !== undefined) return options.batchSize;
  if (options.msPerItem !== null) return clamp(Math.floor((CHUNK_MS * options.lanes) / Math.max(options.msPerItem, 1e-6)));
  return clamp(Math.max(options.firstSize, Math.floor(position / 8)));
}

function clamp(size: number): number {
  return Math.min(LARGEST_CHUNK, Math.max(1, size));
}
