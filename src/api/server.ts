import cookie from "@fastify/cookie";
import helmet from "@fastify/helmet";
import multipart from "@fastify/multipart";
import rateLimit from "@fastify/rate-limit";
import fastify, { LogController, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Caller } from "../batches/service.ts";
import { cursorText } from "../events/port.ts";
import { Gauges } from "../events/rates/gauges.ts";
import { EventStreams } from "../events/sse/sse.ts";
import { policyOf } from "../events/frames/policy.ts";
import { attachSockets, type SocketService } from "../events/sockets/sockets.ts";
import { BatchyardError } from "../model/errors.ts";
import { newId } from "../model/ids.ts";
import { HealthWatch } from "../monitor/health/health-watch.ts";
import { Sampler } from "../monitor/metrics/sampler.ts";
import { DEFAULT_TENANT } from "../model/tenant.ts";
import { Guard, isOwnOrigin, requireSameOrigin, SESSION_COOKIE } from "./auth/guard.ts";
import { dispatch } from "./dispatch.ts";
import { answerClientError, asClientError, installNotFound, isOpenAiPath, sendError } from "./failures.ts";
import { Idempotency } from "./idempotency.ts";
import { STYLE_HASH } from "./pages/page.ts";
import { signInPage } from "./pages/sign-in.ts";
import { RateTrace } from "./rate-trace.ts";
import { mayCall, type Route } from "./route.ts";
import { accessRoutes } from "./routes/access.ts";
import { auditRoutes } from "./routes/audit.ts";
import { batchRoutes } from "./routes/batches.ts";
import { collectionRoutes } from "./routes/collections.ts";
import { dashboardRoutes } from "./routes/dashboard.ts";
import { costRoutes } from "./routes/costs.ts";
import { createRoutes } from "./routes/create.ts";
import { dlqRoutes } from "./routes/dlq.ts";
import { failureRoutes } from "./routes/failures.ts";
import { doorRoutes } from "./routes/doors.ts";
import { eventRoutes } from "./routes/events.ts";
import { externalRoutes } from "./routes/external.ts";
import { fileRoutes } from "./routes/files.ts";
import { metricRoutes } from "./routes/metrics.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { bulkRoutes } from "./routes/bulk.ts";
import { monitoringRoutes } from "./routes/monitoring.ts";
import { openAiRoutes } from "./openai/routes.ts";
import { pipelineRoutes } from "./routes/pipeline.ts";
import { resourceRoutes } from "./routes/resources.ts";
import { retentionRoutes } from "./routes/retention.ts";
import { replayRoutes } from "./routes/replay.ts";
import { resultRoutes } from "./routes/results.ts";
import { previewRoutes } from "./routes/preview.ts";
import { requestRoutes } from "./routes/requests.ts";
import { shareRoutes } from "./routes/shares.ts";
import { streamRoutes } from "./routes/streams.ts";
import { settingsRoutes } from "./routes/settings.ts";
import { systemRoutes } from "./routes/system.ts";
import { workerRoutes } from "./routes/workers.ts";
import type { ApiServices } from "./services.ts";
import { analysedBatch } from "./wire/analysed-batch.ts";
import { asCreated, wireBatch } from "./wire/batch.ts";
import { meters } from "./wire/gauges.ts";
import { MetricReader } from "./wire/metric-readings.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; set by the guard before anything else runs, on every route that is not public. */
    caller: Caller;
  }
  interface FastifyContextConfig {
    route?: Route;
  }
}

export interface ApiServer {
  /** Not listening yet. Closing it says goodbye to every stream and socket first. */
  app: FastifyInstance;
  /** Every route that is served, as /openapi.json shows them. */
  routes: readonly Route[];
  /** Open and dropped connections of the two live doors. */
  liveCounts(): { sse: { open: number; dropped: number }; sockets: { open: number; dropped: number } };
}

const MAX_PARAMETER_LENGTH = 2_048;

/** The HTTP surface: routes, guard, errors, events. */
export async function createServer(services: ApiServices): Promise<ApiServer> {
  const { access, audit, batches, clock, config, eventLog, log } = services;
  const guard = new Guard({ access, audit, clock, token: config.token });
  const idempotency = new Idempotency(access, clock);
  const healthWatch = new HealthWatch({
    check: async () => (await services.health()).checks,
    clock,
    failed: (error) => log.error(error),
  });
  const gauges = new Gauges({ clock, meters: meters(services), failed: (error) => log.error(error) });
  const streams = new EventStreams({ log: eventLog, clock, gauges });

  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // Node's own refusal of a request without Host has no body and no request id; see the first hook.
    http: { requireHostHeader: false },
    genReqId: (request) => givenId(request.headers["x-request-id"]) ?? newId("req"),
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    clientErrorHandler: (error, socket) => answerClientError(error, socket),
    frameworkErrors: (error, request, reply) =>
      void sendError(reply as FastifyReply, request as FastifyRequest, asClientError(error, request as FastifyRequest)),
    // Long uploads are paced by body.ts, not ended by a clock that does not look at them.
    requestTimeout: 0,
    forceCloseConnections: "idle",
  }) as unknown as FastifyInstance;

  // Bodies are read by the dispatcher and the handlers, each with its own limit; fastify only passes them on.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  await app.register(cookie);
  await app.register(multipart, { limits: { fileSize: config.limits.uploadBytes }, throwFileSizeLimit: false });
  await app.register(rateLimit, { global: false });
  await app.register(helmet, {
    contentSecurityPolicy: contentPolicy(["'none'"]),
    // Whoever ends TLS in front of this server sets HSTS; over plain HTTP it would be ignored.
    hsts: false,
    frameguard: { action: "deny" },
    // Under "no-referrer" browsers send `Origin: null` with this server's own forms, which are refused then.
    referrerPolicy: { policy: "same-origin" },
  });

  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    const { route } = request.routeOptions.config;
    if (request.headers.host === undefined && request.raw.httpVersion === "1.1")
      throw new BatchyardError("validation_failed", { summary: "the header Host is missing" });
    refuseKeyInUrl(request, config.token);
    if (route?.need === "public") {
      if (route.path !== "/signin") return;
      reply.header("cache-control", "no-store");
      return;
    }
    reply.header("cache-control", "no-store");
    const { caller, by } = await guard.recognise(presentedBy(request));
    request.caller = caller;
    // Before anything else, and the same for what is there and what is not: a link says nothing of other things.
    if (caller.onlyBatch !== undefined && !mayLinkCall(caller.onlyBatch, route, request.params))
      throw new BatchyardError("link_of_one_batch");
    if (route === undefined) return;
    if (by === "session" && request.method !== "GET" && request.method !== "HEAD") requireSameOrigin(request.headers);
    if (!mayCall(caller.role, route.need)) {
      await audit.append({
        ...caller,
        at: clock.now(),
        action: "denied",
        target: `${route.method} ${route.path}`,
        before: null,
        after: null,
        outcome: "BLOCKED",
      });
      throw new BatchyardError("forbidden", { role: route.need });
    }
    // Taken before the snapshot is read: what happens meanwhile comes again as an event, and nothing is lost between the two.
    if (request.method === "GET") reply.header("x-stream-cursor", cursorText(eventLog.epoch(), eventLog.lastSeq()));
  });

  app.addHook("onResponse", async (request, reply) => {
    const { route } = request.routeOptions.config;
    const fields = {
      requestId: request.id,
      method: request.method,
      route: route?.path ?? "unknown",
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      actor: request.caller?.actor,
    };
    if (reply.statusCode >= 500) log.warn(fields, "request");
    else log.debug(fields, "request");
  });

  app.setErrorHandler((thrown, request, reply) => {
    const error = asClientError(thrown, request);
    // A browser without a session gets the page that helps; programs get the envelope.
    if (
      error.status === 401 &&
      request.method === "GET" &&
      !isOpenAiPath(request.url) &&
      (request.headers.accept ?? "").includes("text/html")
    ) {
      const outcome = signInPage(401, null);
      if (outcome.kind === "html") return reply.code(401).type("text/html; charset=utf-8").send(outcome.html);
    }
    return sendError(reply, request, error);
  });

  const metrics = new MetricReader(services, { sse: () => streams.statistics(), sockets: () => sockets.statistics() });
  const routes: Route[] = [];
  routes.push(
    ...createRoutes(services, idempotency),
    ...batchRoutes(services),
    ...replayRoutes(services, idempotency),
    ...resultRoutes(services),
    ...fileRoutes(services, idempotency),
    ...collectionRoutes(services),
    ...streamRoutes(services, idempotency),
    ...requestRoutes(services, idempotency),
    ...pipelineRoutes(services, healthWatch),
    ...workerRoutes(services),
    ...dlqRoutes(services),
    ...failureRoutes(services),
    ...externalRoutes(services),
    ...eventRoutes(services, streams, guard, { sockets: () => sockets.statistics() }),
    ...costRoutes(services),
    ...settingsRoutes(services),
    ...bulkRoutes(services),
    ...monitoringRoutes(services),
    ...alertRoutes(services),
    ...metricRoutes(services, metrics),
    ...systemRoutes(services),
    ...retentionRoutes(services),
    ...resourceRoutes(services),
    ...auditRoutes(services),
    ...openAiRoutes(services, idempotency),
    ...previewRoutes(services),
    ...accessRoutes(services, guard),
    ...shareRoutes(services),
    ...dashboardRoutes(services),
    ...doorRoutes(services, () => routes),
  );
  app.addHook("onReady", async () => healthWatch.start());
  const sampler = new Sampler({
    store: services.monitor,
    clock,
    tenant: DEFAULT_TENANT,
    read: () => metrics.read(observer(DEFAULT_TENANT)),
    failed: (error) => log.error(error),
  });
  app.addHook("onReady", async () => sampler.start());
  const trace = new RateTrace(audit, clock);
  const exceeded = (request: FastifyRequest): void => {
    trace.exceeded(request.caller, `${request.method} ${request.routeOptions.url ?? ""}`).catch((error: unknown) => log.error(error));
  };
  const context = { clock, idempotency, bodyLimit: config.limits.bodyBytes, tracing: services.tracing };
  // One of each for all its routes: what is counted apart by route is no limit of a user.
  const creations = app.rateLimit(perMinute(config.limits.createPerMinute, exceeded));
  const monitoring = app.rateLimit(perMinute(MONITORING_PER_MINUTE, exceeded));
  const links = app.rateLimit({
    ...perMinute(LINK_PER_MINUTE, exceeded),
    allowList: (request: FastifyRequest) => request.caller.onlyBatch === undefined,
  });
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      exposeHeadRoute: route.endless !== true,
      config: { route },
      // X-Frame-Options knows no list of sites: where there is one, the policy alone says who may.
      ...(route.framed === true && config.frameOrigins.length > 0
        ? { helmet: { contentSecurityPolicy: contentPolicy(config.frameOrigins), frameguard: false } }
        : {}),
      onRequest: route.limited === true ? [creations] : route.paced === true ? [monitoring] : route.shared === true ? [links] : [],
      handler: (request, reply) => dispatch(route, context, request, reply),
    });
  }
  installNotFound(app, routes);

  const sockets: SocketService = attachSockets(app.server, {
    log: eventLog,
    settled: services.settled,
    clock,
    gauges,
    door: {
      async admit({ headers, token, address }) {
        const cookies = headers.cookie === undefined ? undefined : app.parseCookie(headers.cookie)[SESSION_COOKIE];
        const authorization = headers.authorization ?? (token === undefined ? undefined : `Bearer ${token}`);
        const { caller } = await guard.recognise({ authorization, cookie: cookies, address });
        if (caller.onlyBatch !== undefined) throw new BatchyardError("link_of_one_batch");
        return { tenant: caller.tenant };
      },
      isOwnOrigin,
      async createdBatch(tenant, id) {
        const view = await batches.view(observer(tenant), id);
        return wireBatch(asCreated(view.batch));
      },
      analysedBatch: (tenant, id) => analysedBatch(services, observer(tenant), id),
      policyOf: (coalesce) => policyOf({ coalesce, windowMs: undefined }, services.settings.current().sse),
      hasBatch: async (tenant, id) => (await batches.get(observer(tenant), id)) !== null,
    },
  });

  app.addHook("preClose", async () => {
    await sampler.stop();
    healthWatch.stop();
    metrics.close();
    streams.close();
    await sockets.close();
  });

  return { app, routes, liveCounts: () => ({ sse: streams.counts, sockets: sockets.counts }) };
}

function contentPolicy(frameAncestors: readonly string[]) {
  return {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", STYLE_HASH],
      imgSrc: ["'self'", "data:"],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: [...frameAncestors],
    },
  };
}

function presentedBy(request: FastifyRequest): { authorization: string | undefined; cookie: string | undefined; address: string } {
  return { authorization: request.headers.authorization, cookie: request.cookies[SESSION_COOKIE], address: request.ip };
}

/** The server itself, looking at a tenant's batches to tell that tenant about them. */
function observer(tenant: string): Caller {
  return { tenant, actor: "events", role: "viewer", credential: null, address: null };
}

/** A caller's own request id, when it is a plain one. */
function givenId(header: string | string[] | undefined): string | null {
  return typeof header === "string" && /^[A-Za-z0-9._-]{1,100}$/.test(header) ? header : null;
}

const CREDENTIAL_NAMES = new Set(["token", "api_key", "apikey", "access_token", "authorization", "password"]);

/** URLs end in logs and histories; the only credential that may stand in one is the sign-in link's, which works once. */
function refuseKeyInUrl(request: FastifyRequest, token: string | null): void {
  const { route } = request.routeOptions.config;
  for (const [name, given] of Object.entries(request.query as Record<string, unknown>)) {
    if (route?.path === "/signin" && name === "token") continue;
    for (const value of Array.isArray(given) ? (given as unknown[]) : [given]) {
      const isKey = typeof value === "string" && (/^by_[A-Za-z0-9_-]{20,}$/.test(value) || value === token);
      if (isKey || CREDENTIAL_NAMES.has(name.toLowerCase())) throw new BatchyardError("key_in_url");
    }
  }
}

/** Requests a minute to the monitoring routes together, by user. */
const MONITORING_PER_MINUTE = 60;

/** Requests a minute of one shared link, however many read it. */
const LINK_PER_MINUTE = 300;

function mayLinkCall(batchId: string, route: Route | undefined, params: unknown): boolean {
  return route?.shared === true && (params as { id?: unknown }).id === batchId;
}

type Exceeded = (request: FastifyRequest) => void;

function perMinute(max: number, onExceeded: Exceeded) {
  return {
    max,
    timeWindow: 60_000,
    onExceeded,
    keyGenerator: (request: FastifyRequest) => `${request.caller.tenant}/${request.caller.credential ?? request.ip}`,
    errorResponseBuilder: (_request: FastifyRequest, limit: { ttl: number }) => {
      const seconds = Math.max(1, Math.ceil(limit.ttl / 1000));
      return new BatchyardError("rate_limited", { seconds }, { retryAfterSeconds: seconds });
    },
  };
}
