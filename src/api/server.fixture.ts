import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance, InjectOptions } from "fastify";
import { z } from "zod";
import { loadConfig } from "../config.ts";
import { createLog } from "../log.ts";
import { createYard } from "../main.ts";
import type { Yard } from "../yard.ts";
import { servicesOf } from "../server.ts";
import type { Clock } from "../model/clock.ts";
import type { StoredEvent } from "../model/event.ts";
import { defineOperation } from "../operations/define.ts";
import type { ProviderSettings } from "../providers/provider.ts";
import type { OpenAiWebhook } from "../openai/webhooks.ts";
import type { Operation } from "../operations/operation.ts";
import type { Role } from "../store/port.ts";
import { issueKey } from "./auth/secrets.ts";
import { envelope } from "./contract/access.ts";
import { errorAnswer as openAiError } from "./contract/openai.ts";
import type { Route } from "./route.ts";
import { createServer, type ApiServer } from "./server.ts";
import type { ApiConfig } from "./services.ts";

export const TOKEN = "test-token-of-the-environment";

/** The HTTP surface over the real service, engine and store, in a directory of its own. */
export interface Served {
  app: FastifyInstance;
  api: ApiServer;
  yard: Yard;
  /** Everything the server logged, one JSON line an entry. */
  logged: string[];
  /** A key of a tenant, for the Authorization header. */
  key(role: Role, tenant?: string): Promise<string>;
  /** Sends with the environment's token unless `headers` say otherwise. */
  send(request: InjectOptions): Promise<{ status: number; headers: Record<string, unknown>; text: string; json: Record<string, never> }>;
  /** The event of this type for a batch, when it comes or if it has come. */
  event(type: string, batchId: string): Promise<StoredEvent>;
  create(body: Record<string, unknown>): Promise<string>;
  /** `http://127.0.0.1:port` once it listens. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

export interface ServedOptions {
  clock?: Clock;
  limits?: Partial<ApiConfig["limits"]>;
  directory?: string;
  /** Figures are looked at, alerts fire; false when absent: what falls on a whole quarter of a minute would come in between. */
  alerts?: boolean;
  /** Besides echo. */
  operations?: readonly Operation[];
  webhooks?: readonly OpenAiWebhook[];
  providers?: Readonly<Record<string, ProviderSettings>>;
  settings?: Readonly<Record<string, string>>;
}

/** Gives back what it is told: `fail` fails the item with that message. */
const echo = defineOperation({
  name: "echo",
  description: "Answers with the item",
  options: z.strictObject({ language: z.string().optional() }),
  processItem(item: Record<string, unknown>) {
    if (typeof item["fail"] === "string") throw new Error(item["fail"]);
    return { result: item, qualityScore: typeof item["score"] === "number" ? item["score"] : 0.9 };
  },
});

export async function serve(options: ServedOptions = {}): Promise<Served> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "batchyard-api-"));
  const config = loadConfig({
    BATCHYARD_DATA: directory,
    BATCHYARD_TOKEN: TOKEN,
    BATCHYARD_WORKERS: "2",
    BATCH_MAX_RETRIES: "0",
    LOG_LEVEL: "silent",
    ...options.settings,
  });
  const operations = [echo, ...(options.operations ?? [])];
  const yard = await createYard({
    config,
    alerts: options.alerts ?? false,
    operations,
    clock: options.clock,
    webhooks: options.webhooks,
    providers: options.providers,
  });
  const { store, clock } = yard;
  const logged: string[] = [];
  const api = await createServer({
    ...servicesOf(yard),
    dashboard: null,
    config: {
      token: TOKEN,
      limits: { bodyBytes: 1_000_000, uploadBytes: 20_000_000, maxItems: 100_000, createPerMinute: 1_000, ...options.limits },
      traceUrl: config.traceUrl,
      frameOrigins: config.frameOrigins,
    },
    log: createLog("debug", config.secrets, { write: (line: string) => void logged.push(line) }),
    health: () => Promise.resolve({ ready: true, checks: { store: { ok: true } } }),
    version: "0.0.0-test",
  });
  await yard.start();
  const { app } = api;

  return {
    app,
    api,
    yard,
    logged,
    key: async (role, tenant = "default") => (await issueKey(store.access, { tenant, name: role, role }, clock.now())).secret,
    async send(request) {
      const answer = await app.inject({ ...request, headers: { authorization: `Bearer ${TOKEN}`, ...request.headers } });
      const isJson = String(answer.headers["content-type"]).startsWith("application/json");
      if (isJson)
        heldToContract(
          api.routes,
          request.method ?? "GET",
          typeof request.url === "string" ? request.url : "",
          answer.statusCode,
          JSON.parse(answer.body),
        );
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        json: (isJson ? JSON.parse(answer.body) : {}) as Record<string, never>,
      };
    },
    event(type, batchId) {
      const matches = (event: StoredEvent): boolean => event.type === type && event.entity.id === batchId;
      return new Promise((resolve, reject) => {
        const stop = yard.events.subscribe((events) => {
          const found = events.find(matches);
          if (found === undefined) return;
          stop();
          resolve(found);
        });
        store.events.read(0, 100_000, { entity: batchId }).then((events) => {
          const found = events.find(matches);
          if (found === undefined) return;
          stop();
          resolve(found);
        }, reject);
      });
    },
    async create(body) {
      const answer = await app.inject({
        method: "POST",
        url: "/api/batch/create",
        headers: { authorization: `Bearer ${TOKEN}` },
        payload: body,
      });
      if (answer.statusCode !== 201) throw new Error(`create answered ${answer.statusCode}: ${answer.body}`);
      return (JSON.parse(answer.body) as { batch: { id: string } }).batch.id;
    },
    listen: () => app.listen({ host: "127.0.0.1", port: 0 }),
    async close() {
      await app.close();
      await yard.stop();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Every answer that a test sees has the shape the contract promises: errors the envelope, the rest their route's schema. */
function heldToContract(routes: readonly Route[], method: string, url: string, status: number, body: unknown): void {
  if (status >= 400) {
    (url.startsWith("/v1") ? openAiError : envelope).parse(body);
    return;
  }
  const path = url.split("?")[0]!;
  const matching = routes.filter(
    (route) => route.method === method && new RegExp(`^${route.path.replace(/:[A-Za-z]+/g, "[^/]+")}$`).test(path),
  );
  const route = matching.find((candidate) => candidate.path === path) ?? matching[0];
  const schema = route?.answers[status];
  if (schema === undefined || typeof schema === "string")
    throw new Error(`${method} ${path} answers ${status} with JSON, which the contract does not say`);
  schema.parse(body);
}
