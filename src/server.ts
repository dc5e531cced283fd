import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_TENANT } from "./model/tenant.ts";
import { issueKey, issueSignIn, TOKEN_KEY_ID } from "./api/auth/secrets.ts";
import { readDashboard } from "./api/pages/dashboard.ts";
import { createServer } from "./api/server.ts";
import type { ApiServices } from "./api/services.ts";
import { createYard } from "./main.ts";
import type { Yard, YardParts } from "./yard.ts";
import { JobReports } from "./monitor/jobs/job-report.ts";
import { Pipeline } from "./monitor/pipeline.ts";
import { version } from "./version.ts";

/** Of the shutdown time, what open connections get to end by themselves. */
const CONNECTIONS_SHARE = 1 / 10;

/** Who acts in the audit log when nobody asked. */
const SERVER_ITSELF = {
  tenant: DEFAULT_TENANT,
  actor: "server",
  credential: null,
  address: null,
  before: null,
  after: null,
  outcome: "SUCCESS",
} as const;

export interface RunningServer {
  readonly yard: Yard;
  readonly url: string;
  /** A new one-time link that signs a browser in as admin. */
  signInLink(): Promise<string>;
  /** True when this data directory had no key before: the first start. */
  readonly firstStart: boolean;
  stop(): Promise<void>;
}

/** Starts a yard and its HTTP server. */
export async function startServer(parts: YardParts): Promise<RunningServer> {
  const yard = await createYard(parts);
  const { config, store, clock, log } = yard;
  try {
    const admin = await adminKey(yard);
    const { app } = await createServer({
      ...servicesOf(yard),
      dashboard: readDashboard(fileURLToPath(new URL("../dist/dashboard", import.meta.url))),
      config: { token: config.token, limits: config.limits, traceUrl: config.traceUrl, frameOrigins: config.frameOrigins },
      log,
      version: version(),
      health: () => health(yard),
    });
    await app.listen({ host: config.host, port: config.port });
    await yard.start();
    await store.audit.append({ ...SERVER_ITSELF, at: clock.now(), action: "server_started", target: version() });
    const address = app.server.address();
    const port = typeof address === "object" && address !== null ? address.port : config.port;
    const url = `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${port}`;
    return {
      yard,
      url,
      firstStart: admin.created,
      signInLink: async () =>
        url + (await issueSignIn(store.access, { tenant: DEFAULT_TENANT, keyId: admin.keyId, role: "admin" }, clock.now())).path,
      async stop() {
        // A client that keeps its connection busy must not use up the time that handlers have to end.
        const cancel = clock.after(config.shutdownMs * CONNECTIONS_SHARE, () => app.server.closeAllConnections());
        await app.close();
        cancel();
        await yard.stop();
      },
    };
  } catch (error) {
    await yard.stop();
    throw error;
  }
}

/** What of a yard stands behind the HTTP surface. */
export function servicesOf(yard: Yard): Omit<ApiServices, "dashboard" | "config" | "log" | "version" | "health"> {
  const { store, engine, clock } = yard;
  return {
    batches: yard.batches,
    bulk: yard.bulk,
    streams: yard.streams,
    openai: yard.openai,
    jobReports: new JobReports({
      monitor: store.monitor,
      recorder: { home: DEFAULT_TENANT, since: clock.now() },
      results: store.results,
      counts: (tenant) => store.batches.counts(tenant),
      maxSize: () => yard.settings.current().processing.maxRequests,
    }),
    monitor: store.monitor,
    counts: (tenant) => store.batches.counts(tenant),
    storeSize: () => store.upkeep.size(),
    retention: yard.ladder,
    results: store.results,
    collector: yard.collector,
    dead: yard.dead,
    failures: store.failures,
    alerts: yard.alerts,
    pressure: yard.pressure,
    pipeline: new Pipeline(store.streams, clock, () => yard.settings.current().queue),
    engine,
    files: (tenant) => yard.files(tenant),
    fileRows: store.files,
    records: store.records,
    access: store.access,
    audit: store.audit,
    ledger: store.ledger,
    attempts: store.attempts,
    eventLog: yard.events,
    events: store.events,
    settings: yard.settings,
    settled: engine,
    external: engine.external,
    registry: yard.registry,
    tracing: yard.tracing,
    ...yard.resources,
    clock,
  };
}

/** BATCHYARD_TOKEN is the admin key when it is set; else the first start makes one and keeps it for this machine's own commands. */
async function adminKey(yard: Yard): Promise<{ keyId: string; created: boolean }> {
  const { store, config, clock } = yard;
  const usable = (await store.access.keys(DEFAULT_TENANT)).find(
    (key) => key.role === "admin" && key.revokedAt === null && (key.expiresAt === null || key.expiresAt > clock.now()),
  );
  if (usable !== undefined) return { keyId: usable.id, created: false };
  if (config.token !== null) return { keyId: TOKEN_KEY_ID, created: (await store.events.lastSeq()) === 0 };
  const { key, secret } = await issueKey(store.access, { tenant: DEFAULT_TENANT, name: "first start", role: "admin" }, clock.now());
  writeFileSync(join(config.data, "admin.key"), `${secret}\n`, { mode: 0o600 });
  return { keyId: key.id, created: true };
}

/** Events this far behind the store mean that nobody is told what happens. */
const EVENTS_BEHIND = 10_000;

/** Whether the server answers and works is readiness; a store that takes nothing new still serves what it has. */
async function health({
  store,
  engine,
  events,
  clock,
}: Yard): Promise<{ ready: boolean; checks: Record<string, { ok: boolean; message?: string }> }> {
  const dispatcher = engine.alive ? { ok: true } : { ok: false, message: "the engine has not looked after its work lately" };
  try {
    const behind = (await store.events.lastSeq()) - events.lastSeq();
    const live = behind < EVENTS_BEHIND ? { ok: true } : { ok: false, message: `${behind} events have not been handed over` };
    const writes = await store.probe(clock.now()).then(
      () => ({ ok: true }),
      (error: unknown) => ({ ok: false, message: error instanceof Error ? error.message : String(error) }),
    );
    return { ready: dispatcher.ok && live.ok, checks: { store: { ok: true }, writes, dispatcher, live } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      ready: false,
      checks: { store: { ok: false, message }, dispatcher, live: { ok: false, message: "unknown without the store" } },
    };
  }
}
