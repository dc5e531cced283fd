import OpenAI, { AzureOpenAI, type ClientOptions } from "openai";
import type { Provider } from "./provider.ts";

/** Replaces the network, for tests. */
export type Fetch = NonNullable<ClientOptions["fetch"]>;

/**
 * The official client for a provider. It never repeats a request by itself (`maxRetries` 0): whoever calls knows whether a
 * repetition is safe, and counts it. Nothing of it comes from the environment; it logs nothing.
 */
export function createClient(provider: Provider, fetch?: Fetch): OpenAI {
  const key = provider.apiKey?.reveal() ?? null;
  const headers: Record<string, string | null> = {};
  for (const [name, value] of provider.headers) headers[name] = value.reveal();
  const shared = {
    baseURL: provider.baseURL,
    // The client insists on a key; a server that asks for none gets no header.
    apiKey: key ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    timeout: provider.timeoutMs,
    maxRetries: 0,
    logLevel: "off",
    defaultHeaders: headers,
    ...(fetch === undefined ? {} : { fetch }),
  } as const;
  const apiVersion = provider.azure?.apiVersion ?? null;
  if (apiVersion !== null) return new AzureOpenAI({ ...shared, apiVersion });
  if (provider.azure !== null) Object.assign(headers, { authorization: null, "api-key": key });
  else if (key === null) headers["authorization"] = null;
  return new OpenAI(shared);
}
