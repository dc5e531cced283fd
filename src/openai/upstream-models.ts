import { ONLINE, OPENAI_BATCH } from "../model/upstream.ts";
import { MODEL_ENDPOINTS } from "../operations/model-requests.ts";
import type { Provider } from "../providers/provider.ts";
import type { Providers } from "../providers/providers.ts";
import type { Model, ModelSource } from "./models.ts";

/** Providers do not say here since when they have a model; every start shows the same. Unix seconds. */
const CREATED = Date.UTC(2026, 0, 1) / 1000;

/**
 * The models of the configured providers, each of the first provider that serves it. One with a batch API is asked through that,
 * others online. Those that the config names are listed; what only a pattern covers is served all the same.
 */
export function upstreamModels(providers: Pick<Providers, "serving" | "list">): ModelSource {
  const named = providers.list().flatMap(({ models }) => models.filter((name) => !name.includes("*")));
  const find = (id: string): Model | null => {
    const provider = providers.serving(id);
    return provider === null ? null : modelOf(id, provider);
  };
  const listed = named.map(find).filter((model) => model !== null);
  return { list: () => listed, find: (_tenant, id) => find(id) };
}

function modelOf(id: string, { name, online, batch }: Provider): Model {
  const askedBy = [...(batch ? ([OPENAI_BATCH] as const) : []), ...(online ? ([ONLINE] as const) : [])];
  return { id, created: CREATED, ownedBy: name, endpoints: MODEL_ENDPOINTS, executor: null, askedBy };
}
