/** The executor that asks a provider for one item at a time. */
export const ONLINE = "openai";

/** The executor whose chunks wait upstream, for hours, in a provider's batch API. */
export const OPENAI_BATCH = "openai-batch";

/**
 * Chunks that are sent upstream as a whole: never cut or split by the engine, and a process that dies while it holds one says
 * nothing about its items, which run elsewhere.
 */
export function runsUpstream(executor: string): boolean {
  return executor === OPENAI_BATCH;
}
