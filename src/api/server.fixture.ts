import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance, InjectOptions } from "fastify";
import { pino } from "pino";
import { z } from "zod";
import { Creator } from "../batches/create.ts";
import { YardBatches } from "../batches/yard-batches.ts";
import { MemoryDispatcher } from "../engine/dispatcher/memory.ts";
import { Engine } from "../engine/engine.ts";
import { LogTail } from "../events/log.ts";
import { ChunkHandlerExecutor } from "../executors/handler/chunk-handler.ts";
import { InlineExecutor } from "../executors/handler/inline.ts";
import { createFiles } from "../files/disk-files.ts";
import { systemClock, type Clock } from "../model/clock.ts";
import type { StoredEvent } from "../model/event.ts";
import { defineOperation } from "../operations/define.ts";
import type { TenantServices } from "../operations/operation.ts";
import { createRegistry } from "../operations/registry.ts";
import { planRows } from "../operations/rows.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import type { Role, Store } from "../store/port.ts";
import { issueKey } from "./auth/secrets.ts";
import { createServer, type ApiServer } from "./server.ts";
import type { ApiConfig } from "./services.ts";

export const TOKEN = "test-token-of-the-environment";

/** The HTTP surface over the real service, engine and store, in a directory of its own. */
export interface Served {
  app: FastifyInstance;
  api: ApiServer;
  store: Store;
  log: LogTail;
  /** Everything the server logged, one JSON line an entry. */
  logged: string[];
  engine: Engine;
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
  const clock = options.clock ?? systemClock;
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "batchyard-api-"));
  const store = openSqliteStore({ directory, synchronous: "NORMAL" });
  const log = new LogTail(store.events, clock, (error) => {
    throw error;
  });
  await log.start();
  const disk = createFiles({ files: store.files, directory, clock });
  const servicesFor = (tenant: string): TenantServices => ({
    tenant,
    records: {
      get: (collection, key) => store.records.get(tenant, collection, key),
      async *scan(collection, filter) {
        for (let after: string | null = null; ; ) {
          const page = await store.records.list(tenant, collection, filter, { after, limit: 500 });
          if (page.length === 0) return;
          yield page;
          after = page.at(-1)!.key;
        }
      },
      put: (collection, rows, mode) => store.records.put(tenant, collection, rows, mode, clock.now()),
      deleteOlder: (collection, before, limit) => store.records.deleteOlder(tenant, collection, before, limit),
    },
    files: disk.forTenant(tenant),
    removeBatches: (before) => store.batches.remove(tenant, before, { limit: 1000, dryRun: false }),
    now: () => clock.now(),
  });
  const registry = createRegistry([echo]);
  const inline = new InlineExecutor(clock, servicesFor);
  const chunk = new ChunkHandlerExecutor(clock, servicesFor);
  const engine = new Engine({
    settings: { id: "local:test:1", slots: 2, expressSlots: 1, leaseMs: 30_000, lanes: 4, retryAttempts: 0, retryBackoffMs: 1, timeoutMs: 10_000 },
    store,
    dispatcher: new MemoryDispatcher(),
    executors: { inline, chunk, thread: inline, http: inline },
    registry,
    clock,
    random: Math.random,
    failed: (error) => {
      throw error;
    },
  });
  const signals = {
    wake: () => engine.wake(),
    batchChanged: engine.batchChanged.bind(engine),
    breakerOpen: () => false,
    slots: () => engine.slots,
    msPerItem: () => null,
  };
  const creator = new Creator({
    store,
    registry,
    clock,
    signals,
    settings: { defaultSize: 50, maxItems: 100_000, lanes: 4, channels: ["log"], defaultChannels: ["log"] },
    servicesFor,
    planRows: (request, services) => planRows(request, services),
  });
  const batches = new YardBatches({ store, creator, signals, clock });
  const logged: string[] = [];
  const api = await createServer({
    batches,
    files: (tenant) => disk.forTenant(tenant),
    fileRows: store.files,
    records: store.records,
    access: store.access,
    audit: store.audit,
    eventLog: log,
    settled: engine,
    external: engine.external,
    registry,
    config: { token: TOKEN, limits: { bodyBytes: 1_000_000, uploadBytes: 20_000_000, maxItems: 100_000, createPerMinute: 1_000, ...options.limits } },
    clock,
    log: pino({ level: "debug" }, { write: (line: string) => void logged.push(line) }),
    health: async () => ({ ready: true, checks: { store: { ok: true } } }),
    version: "0.0.0-test",
  });
  await engine.start();
  const { app } = api;

  return {
    app,
    api,
    store,
    log,
    logged,
    engine,
    key: async (role, tenant = "default") => (await issueKey(store.access, { tenant, name: role, role }, clock.now())).secret,
    async send(request) {
      const answer = await app.inject({ ...request, headers: { authorization: `Bearer ${TOKEN}`, ...request.headers } });
      const isJson = String(answer.headers["content-type"]).startsWith("application/json");
      return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: (isJson ? JSON.parse(answer.body) : {}) as Record<string, never> };
    },
    event(type, batchId) {
      const matches = (event: StoredEvent): boolean => event.type === type && event.entity.id === batchId;
      return new Promise((resolve, reject) => {
        const stop = log.subscribe((events) => {
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
      const answer = await app.inject({ method: "POST", url: "/api/batch/create", headers: { authorization: `Bearer ${TOKEN}` }, payload: body });
      if (answer.statusCode !== 201) throw new Error(`create answered ${answer.statusCode}: ${answer.body}`);
      return (JSON.parse(answer.body) as { batch: { id: string } }).batch.id;
    },
    listen: () => app.listen({ host: "127.0.0.1", port: 0 }),
    async close() {
      await app.close();
      await engine.stop(1_000);
      await log.stop();
      await store.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}
