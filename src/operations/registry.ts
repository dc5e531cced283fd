import { z } from "zod";
import { BatchyardError } from "../model/errors.ts";
import type { Operation } from "./operation.ts";

/** One operation as `/operations` shows it. */
export interface OperationInfo {
  name: string;
  description: string;
  /** Who runs its items; `external` = whoever leases its chunks. */
  runs: "handler" | "http" | "external";
  /** JSON Schema 2020-12 of the operation's own options, as a client writes them. */
  options: Record<string, unknown>;
}

/** The operations a server knows. */
export interface Registry {
  /** Throws unknown_operation, naming the known ones. */
  get(name: string): Operation;
  has(name: string): boolean;
  /** By name. */
  list(): OperationInfo[];
}

/** Throws bad_config for what is no operation, and when a name is given twice: the user's operation would silently hide another. */
export function createRegistry(operations: readonly Operation[]): Registry {
  const byName = new Map<string, Operation>();
  for (const operation of operations) {
    if (typeof operation?.name !== "string" || !(operation.options instanceof z.ZodType))
      throw new BatchyardError("bad_config", {
        name: "An entry of operations",
        found: "not an operation",
        allowed: "make each with defineOperation",
      });
    if (byName.has(operation.name))
      throw new BatchyardError("bad_config", {
        name: `The operation '${operation.name}'`,
        found: "defined twice",
        allowed: "give each operation its own name",
      });
    byName.set(operation.name, operation);
  }
  const sorted = [...byName.keys()].sort();
  let infos: OperationInfo[] | null = null;
  return {
    get(name) {
      const operation = byName.get(name);
      if (operation === undefined) throw new BatchyardError("unknown_operation", { operation: name, known: sorted.join(", ") });
      return operation;
    },
    has: (name) => byName.has(name),
    list: () => (infos ??= sorted.map((name) => infoOf(byName.get(name)!))),
  };
}

function infoOf(operation: Operation): OperationInfo {
  const runsHere = operation.processItem !== undefined || operation.processBatch !== undefined || operation.thread !== undefined;
  return {
    name: operation.name,
    description: operation.description,
    runs: runsHere ? "handler" : operation.http !== undefined ? "http" : "external",
    // A transform or a custom check has no JSON Schema; its field is listed as "anything" rather than failing the whole list.
    options: z.toJSONSchema(operation.options, { io: "input", unrepresentable: "any" }) as Record<string, unknown>,
  };
}
