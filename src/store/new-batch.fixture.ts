import type { NewBatch } from "./batches.ts";

/** A batch that asks for nothing in particular. */
export function newBatch(overrides: Partial<NewBatch> = {}): NewBatch {
  return {
    id: "",
    tenant: "acme",
    operation: "transform",
    name: null,
    description: null,
    priority: 1,
    filters: {},
    options: {},
    notify: [],
    input: null,
    metadata: null,
    executor: "handler",
    stream: null,
    streamKey: null,
    closeReason: null,
    dependsOn: [],
    replayOf: null,
    tags: [],
    warnings: [],
    createdAt: 0,
    deadlineAt: null,
    trace: null,
    maxLeasedChunks: null,
    ...overrides,
  };
}
