import type { Executors } from "../executors/registry.ts";
import type { Clock } from "../model/clock.ts";
import { defaultKind } from "../operations/kinds.ts";
import type { Operation } from "../operations/operation.ts";
import type { Registry } from "../operations/registry.ts";
import { handlerModel } from "./handler-model.ts";
import type { Model, ModelSource } from "./models.ts";

/** The model every server has: the offline annotator. */
const LOCAL_MODEL = "batchyard-local";
const ANNOTATOR = "annotate";
/** Handlers have no date of their own; every start shows the same. Unix milliseconds. */
const CREATED_AT = Date.UTC(2026, 0, 1);

/**
 * The handlers of this server as models: the offline annotator, then every operation of the user's own that runs here and needs no
 * options, under its name.
 */
export function handlerModels(parts: { registry: Registry; own: readonly Operation[]; executors: Executors; clock: Clock }): ModelSource {
  const { registry, own, executors, clock } = parts;
  const modelOf = (id: string, name: string): Model =>
    handlerModel({ id, operation: registry.get(name), executors, clock, createdAt: CREATED_AT });
  const callable = own.filter((operation) => defaultKind(operation) === "handler" && operation.options.safeParse({}).success);
  const models = [modelOf(LOCAL_MODEL, ANNOTATOR), ...callable.map(({ name }) => modelOf(name, name))];
  return { list: () => models, find: (_tenant, id) => models.find((model) => model.id === id) ?? null };
}
