import type OpenAI from "openai";
import { z } from "zod";
import { BatchyardError, type Fault } from "../model/errors.ts";
import type { ProviderPrices } from "../money/provider-prices.ts";
import { faultsOf } from "../model/schema-faults.ts";
import type { Fetch } from "./client.ts";
import { pricesOf, providerOf, providerSchema, serves, type Provider, type ProviderSettings } from "./provider.ts";

/** The provider that OPENAI_API_KEY or OPENAI_BASE_URL give. */
const DEFAULT_NAME = "openai";
const NAME = /^[a-z][a-z0-9_-]{0,31}$/;

/** What a provider can be asked to do. */
export type ProviderUse = "online" | "batch";

/** A provider as it may be shown: nothing secret. */
export interface ProviderInfo {
  name: string;
  baseURL: string;
  online: boolean;
  batch: boolean;
  models: string[];
  hasKey: boolean;
}

export interface ProvidersParts {
  /** `providers` of batchyard.config, as it was written. */
  declared: unknown;
  /** From OPENAI_API_KEY and OPENAI_BASE_URL. */
  openai: { apiKey: string | null; baseUrl: string | null };
  /** Value of an environment variable that the config names. */
  variable(name: string): string | null;
  fetch?: Fetch | undefined;
}

/** The upstreams a server knows, each with the one client everything of it goes through. */
export class Providers {
  private readonly byName: ReadonlyMap<string, Provider>;
  private readonly clients = new Map<string, Promise<OpenAI>>();
  private readonly fetch: Fetch | undefined;

  /** Throws bad_config with every fault at once. */
  constructor(parts: ProvidersParts) {
    this.byName = parsed(parts);
    this.fetch = parts.fetch;
  }

  get names(): string[] {
    return [...this.byName.keys()];
  }

  get(name: string): Provider | null {
    return this.byName.get(name) ?? null;
  }

  /** The first one, in the order of the config, that serves a model in this way. */
  find(use: ProviderUse, model: string): Provider | null {
    for (const provider of this.byName.values()) if (provider[use] && serves(provider, model)) return provider;
    return null;
  }

  /** What requests are priced by, by the provider's name. */
  prices(): Record<string, ProviderPrices> {
    return Object.fromEntries([...this.byName.values()].map((provider) => [provider.name, pricesOf(provider)]));
  }

  /** The first one, in the order of the config, that serves a model in any way. */
  serving(model: string): Provider | null {
    for (const provider of this.byName.values()) if (serves(provider, model)) return provider;
    return null;
  }

  /** One client a provider; the library behind it is loaded with the first, a server without providers never loads it. */
  client(provider: Provider): Promise<OpenAI> {
    let client = this.clients.get(provider.name);
    if (client === undefined) {
      client = import("./client.ts").then(({ createClient }) => createClient(provider, this.fetch));
      this.clients.set(provider.name, client);
    }
    return client;
  }

  list(): ProviderInfo[] {
    return [...this.byName.values()].map(({ name, baseURL, online, batch, models, apiKey }) => ({
      name,
      baseURL,
      online,
      batch,
      models: [...models],
      hasKey: apiKey !== null,
    }));
  }
}

function parsed({ declared, openai, variable }: ProvidersParts): Map<string, Provider> {
  const faults: Fault[] = [];
  const found = new Map<string, Provider>();
  const entries = Object.entries(recordOf(declared, faults));
  for (const [name, settings] of entries) {
    if (!NAME.test(name)) faults.push({ path: `providers.${name}`, message: `is no name; names match ${NAME.source}`, code: "bad_name" });
    // What stands in the environment completes the provider of that name, and loses against what the config says.
    const given = name === DEFAULT_NAME && isRecord(settings) ? { ...fromEnvironment(openai), ...settings } : settings;
    const read = providerSchema.safeParse(given);
    if (!read.success) {
      faults.push(...faultsOf(read.error, providerSchema, given).map((fault) => ({ ...fault, path: under(name, fault.path) })));
      continue;
    }
    const { apiKey } = read.data;
    const value = typeof apiKey === "object" ? variable(apiKey.env) : (apiKey ?? null);
    if (typeof apiKey === "object" && value === null)
      faults.push({
        path: under(name, "apiKey"),
        message: `names the environment variable ${apiKey.env}, which is not set; set it or remove the provider`,
        code: "missing_variable",
      });
    if (!read.data.online && !read.data.batch)
      faults.push({ path: `providers.${name}`, message: "is neither online nor batch; set one of them to true", code: "useless" });
    found.set(name, providerOf(name, read.data, value));
  }
  if (faults.length > 0) throw badProviders(faults);
  if (!found.has(DEFAULT_NAME) && (openai.apiKey !== null || openai.baseUrl !== null)) {
    const settings = providerSchema.parse({ ...fromEnvironment(openai), batch: true });
    found.set(DEFAULT_NAME, providerOf(DEFAULT_NAME, settings, openai.apiKey));
  }
  return found;
}

function fromEnvironment({ apiKey, baseUrl }: ProvidersParts["openai"]): ProviderSettings {
  return { ...(apiKey === null ? {} : { apiKey }), ...(baseUrl === null ? {} : { baseURL: baseUrl }) };
}

function recordOf(declared: unknown, faults: Fault[]): Record<string, unknown> {
  if (declared === undefined || declared === null) return {};
  if (isRecord(declared)) return declared;
  faults.push({ path: "providers", message: "must be an object: name → { baseURL, apiKey, … }", code: "invalid_type" });
  return {};
}

const record = z.record(z.string(), z.unknown());

function isRecord(value: unknown): value is Record<string, unknown> {
  return record.safeParse(value).success;
}

function under(name: string, path: string): string {
  return path === "" ? `providers.${name}` : `providers.${name}.${path}`;
}

function badProviders(faults: Fault[]): BatchyardError {
  const [head, ...rest] = faults as [Fault, ...Fault[]];
  const others = rest.map((fault) => `\n${fault.path}: ${fault.message}`).join("");
  return new BatchyardError("bad_config", { name: head.path, found: "not valid", allowed: head.message + others }, { errors: faults });
}
