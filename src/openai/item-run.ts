import type { ChunkWork, Outcome, RunControl } from "../executors/port.ts";
import { executorFor, type Executors } from "../executors/registry.ts";
import type { Operation } from "../operations/operation.ts";
import type { LineContext } from "./models.ts";

/** The line's own time limit ends it, by its signal; this one is only there because an executor must have one. */
const TIMEOUT_MS = 86_400_000;

/** Runs one item of an operation where that operation runs: in this process, in a thread, as a chunk of one. Throws the signal's reason when that comes first. */
export async function runItem(executors: Executors, operation: Operation, payload: unknown, line: LineContext): Promise<Outcome> {
  const work: ChunkWork = {
    tenant: line.tenant,
    batchId: line.batchId,
    epoch: 1,
    chunkId: 0,
    fence: 0,
    attempt: line.attempt,
    operation,
    options: operation.options.parse({}),
    runOptions: {},
    deadlineAt: null,
    items: [{ key: line.key, payload }],
    places: [0],
    lanes: 1,
    timeoutMs: TIMEOUT_MS,
    traceparent: line.traceparent,
  };
  const settled: Outcome[] = [];
  const control: RunControl = {
    signal: line.signal,
    stopping: false,
    settle: (_index, outcome) => void settled.push(outcome),
    // Handlers of this server cost nothing that is booked.
    spent: () => undefined,
    afford: () => true,
    admit: () => null,
    defer: () => undefined,
    split: () => undefined,
  };
  await executorFor(executors, operation, "handler").run(work, control);
  const outcome = settled[0];
  if (outcome !== undefined) return outcome;
  line.signal.throwIfAborted();
  throw new Error(`${operation.name} gave no result`);
}
