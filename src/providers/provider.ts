import { z } from "zod";
import { matchesName } from "../model/name-pattern.ts";
import { providerPrices, type ProviderPrices } from "../money/provider-prices.ts";
import { Secret } from "./secret.ts";

/** What OpenAI takes as one batch; a provider may allow less, or (a server of one's own) more. */
const OPENAI_LIMITS = {
  /** Lines of an input file. */
  maxLines: 50_000,
  /** Bytes of an input file. */
  maxBytes: 200 * 1024 * 1024,
  /** Inputs of all embedding requests of a file together. */
  maxEmbeddingInputs: 50_000,
} as const;

const DEFAULT_BASE_URL = "https://api.openai.com/v1";

const whole = (max: number) => z.int().min(1).max(max);

const baseURL = z
  .string()
  .max(2048)
  .refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ""), { error: "must be a URL that starts with http:// or https://" })
  .refine((value) => ((url) => `${url?.username ?? ""}${url?.password ?? ""}`)(URL.parse(value)) === "", {
    error: "must hold no credentials; give them as apiKey",
  })
  .refine((value) => !/[?#]/.test(value), { error: "must end with its path; give what a gateway wants more as headers" })
  .transform((value) => value.replace(/\/+$/, ""));

const key = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[\x21-\x7e]+$/, { error: "must be visible ASCII characters without blanks" });

/** One entry of `providers` in batchyard.config. */
export const providerSchema = z.strictObject({
  baseURL: baseURL.default(DEFAULT_BASE_URL),
  /** The key itself, or `{ env: "NAME" }`; none for servers that ask for none. */
  apiKey: z.union([key, z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/) })]).optional(),
  /** Answers single requests. */
  online: z.boolean().default(true),
  /** Has a batch API (/files and /batches). */
  batch: z.boolean().default(false),
  /** Models it serves: names, or patterns with `*`. */
  models: z.array(z.string().min(1).max(200)).min(1).max(1000).default(["*"]),
  limits: z
    .strictObject({
      requestsPerMinute: whole(100_000_000).optional(),
      tokensPerMinute: whole(100_000_000_000).optional(),
      /** Prompt tokens that may wait in batches of one model at once. */
      enqueuedTokens: whole(1_000_000_000_000).optional(),
      maxLines: whole(10_000_000).default(OPENAI_LIMITS.maxLines),
      maxBytes: whole(10 * 1024 ** 3).default(OPENAI_LIMITS.maxBytes),
      maxEmbeddingInputs: whole(10_000_000).default(OPENAI_LIMITS.maxEmbeddingInputs),
    })
    .prefault({}),
  /** Prices of its own, names that models go by, what a batch is charged at. */
  ...providerPrices.shape,
  /** Sent with every request, for gateways that want more than a key. */
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().max(4096)).default({}),
  /** Azure OpenAI: the key goes into `api-key`, endpoints have no `/v1`, and a file is usable only once it is processed. */
  azure: z.union([z.boolean(), z.strictObject({ apiVersion: z.string().min(1).max(100) })]).default(false),
  /** Milliseconds one HTTP request may take. */
  timeoutMs: whole(3_600_000).default(60_000),
  /**
   * When nobody knows whether a batch was created, the provider's list is read at once and so many milliseconds after the request;
   * a batch that the last look does not show is created again. Shorter only where the list is known to show batches at once.
   */
  lookAgainMs: z.array(whole(3_600_000)).min(1).max(20).default([15_000, 60_000, 180_000]),
});

/** A provider as batchyard.config writes it. */
export type ProviderSettings = z.input<typeof providerSchema>;

/** An upstream that speaks the OpenAI API. */
export interface Provider extends Omit<z.output<typeof providerSchema>, "apiKey" | "headers" | "azure"> {
  readonly name: string;
  readonly apiKey: Secret | null;
  /** Values may be credentials of a gateway. */
  readonly headers: ReadonlyMap<string, Secret>;
  readonly azure: { readonly apiVersion: string | null } | null;
}

/** Settings that passed the schema as a provider. */
export function providerOf(name: string, settings: z.output<typeof providerSchema>, apiKey: string | null): Provider {
  const { azure, headers } = settings;
  return Object.freeze({
    ...settings,
    name,
    apiKey: apiKey === null ? null : new Secret(apiKey),
    headers: new Map(Object.entries(headers).map(([header, value]) => [header, new Secret(value)])),
    azure: azure === false ? null : { apiVersion: azure === true ? null : azure.apiVersion },
  });
}

/** Does a provider serve this model? */
export function serves(provider: Pick<Provider, "models">, model: string): boolean {
  return provider.models.some((pattern) => matchesName(pattern, model));
}

/** What a provider's requests are priced by. Where nothing is said, its address says whose published prices hold. */
export function pricesOf(provider: Provider): ProviderPrices {
  const { prices, aliases, batchFactor, batchFactors, baseURL } = provider;
  const catalogue = provider.catalogue === undefined && provider.azure !== null ? "azure" : provider.catalogue;
  return { prices, aliases, batchFactor, batchFactors, catalogue, baseURL };
}
