import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { BatchyardError, type Fault } from "./model/errors.ts";
import { PRIORITY_WEIGHTS } from "./model/priority.ts";
import {
  choice,
  cron,
  decimal,
  flag,
  namedWeights,
  optionalSecret,
  optionalText,
  optionalUrl,
  origins,
  risingWeights,
  text,
  traceUrl,
  upperChoice,
  whole,
  words,
  type Setting,
} from "./setting-kinds.ts";

/**
 * The only reader of process.env: names, limits and defaults of everything that can be set from outside, parsed once into
 * one frozen object. A value comes from the first of: command-line flag, process environment, `<data>/runtime.env`
 * (written by the settings API), default. An empty value counts as absent.
 */

const GIB = 1024 ** 3;

/** Every name, with its limits and its default. docs/operate/config.md is made from it. */
export const SETTINGS = {
  BATCHYARD_DATA: text("./data"),
  BATCHYARD_HOST: text("127.0.0.1"),
  BATCHYARD_PORT: whole(0, 65_535, 8377),
  BATCHYARD_TOKEN: optionalSecret(16),
  DATABASE_URL: optionalUrl("postgres:", "postgresql:"),
  REDIS_URL: optionalUrl("redis:", "rediss:"),
  OPENAI_API_KEY: optionalSecret(1),
  OPENAI_BASE_URL: optionalUrl("http:", "https:"),
  LOG_LEVEL: choice(["trace", "debug", "info", "warn", "error", "fatal", "silent"], "info"),
  // The two cores of a small machine: four slots hide the latency of handlers that wait, and cost a busy one nothing.
  BATCHYARD_WORKERS: whole(0, 256, 4),
  // Shares of the slots while all four priorities wait: low, normal, high, critical.
  BATCHYARD_PRIORITY_WEIGHTS: risingWeights(PRIORITY_WEIGHTS),
  // Shares of tenants that wait at the same priority; 1 for those not named.
  BATCHYARD_TENANT_WEIGHTS: namedWeights(),
  // 12 s and a tick of 1 s: who dies is missed within 15 s of its last heartbeat. Shorter makes a pause of 8 s look like a death.
  BATCHYARD_LEASE_MS: whole(1_000, 3_600_000, 12_000),
  BATCHYARD_SHUTDOWN_SECONDS: whole(1, 300, 30),
  BATCHYARD_SQLITE_SYNCHRONOUS: upperChoice(["NORMAL", "FULL"], "NORMAL"),
  BATCHYARD_MAX_BODY_BYTES: whole(1_024, GIB, 16 * 1024 ** 2),
  BATCHYARD_MAX_UPLOAD_BYTES: whole(1_024, 1024 * GIB, 4 * GIB),
  BATCHYARD_MAX_ITEMS: whole(1, 100_000_000, 1_000_000),
  // Webhooks that come with a request are signed with it; without it such requests are refused.
  BATCHYARD_WEBHOOK_SECRET: optionalSecret(16),
  // Where webhooks may lead although it lies in this network: host:port, or host:* for every port.
  BATCHYARD_WEBHOOK_HOSTS: words([]),
  BATCHYARD_CREATE_PER_MINUTE: whole(1, 1_000_000, 600),
  // The server that takes mail, and whom it is from.
  BATCHYARD_SMTP_URL: optionalUrl("smtp:", "smtps:"),
  BATCHYARD_SMTP_FROM: optionalText(300),
  // Where a trace is looked at: its id takes the place of {traceId}.
  BATCHYARD_TRACE_URL: traceUrl(),
  // Sites that may show the page of a shared link in a frame; every other page is refused to all of them.
  BATCHYARD_FRAME_ORIGINS: origins(),

  BATCHYARD_PREVIEW_REQUIRED: flag(false),
  BATCH_WINDOW_SECONDS: whole(1, 600, 90),
  BATCH_IDLE_TIMEOUT_SECONDS: whole(1, 300, 30),
  BATCH_CHECK_INTERVAL_SECONDS: decimal(1, 60, 5),
  BATCH_MAX_DETECTIONS: whole(1, 10_000, 500),
  FAST_PATH_CONFIDENCE_THRESHOLD: decimal(0, 1, 0.9),
  FAST_PATH_OBJECT_TYPES: words(["person"]),

  QUEUE_MAX_SIZE: whole(1, 10_000_000, 10_000),
  QUEUE_BACKPRESSURE_THRESHOLD: decimal(0, 1, 0.8),
  QUEUE_WARNING_DEPTH: whole(1, 10_000_000, 50),
  QUEUE_CRITICAL_DEPTH: whole(1, 10_000_000, 100),
  QUEUE_WARNING_WAIT_SECONDS: whole(1, 31_536_000, 150),
  QUEUE_CRITICAL_WAIT_SECONDS: whole(1, 31_536_000, 300),

  BATCH_PROCESSING_ENABLED: flag(true),
  BATCH_CREATE_INTERVAL: cron("*/5 * * * *"),
  BATCH_STATUS_CHECK_INTERVAL: cron("* * * * *"),
  BATCH_RESULT_PROCESSING_INTERVAL: cron("*/2 * * * *"),
  BATCH_MAX_REQUESTS: whole(1, 50_000, 1_000),
  BATCH_TIMEOUT_HOURS: whole(1, 168, 24),
  BATCH_MIN_SIZE: whole(1, 50_000, 10),

  BATCH_MONITORING_RETENTION_DAYS: whole(1, 3_650, 30),
  BATCH_ALERT_THRESHOLD_ERROR_RATE: decimal(0, 100, 10),
  BATCH_ALERT_THRESHOLD_PROCESSING_TIME: whole(1, 31_536_000, 3_600),

  BATCH_DEFAULT_SIZE: whole(1, 10_000, 50),
  BATCH_MAX_RETRIES: whole(0, 20, 3),
  BATCH_TIMEOUT_MS: whole(1, 86_400_000, 30_000),
  BATCH_RETENTION_DAYS: whole(1, 365, 30),
  // By state; 0 = as BATCH_RETENTION_DAYS.
  BATCH_RETENTION_COMPLETED_DAYS: whole(0, 365, 0),
  BATCH_RETENTION_FAILED_DAYS: whole(0, 365, 0),
  BATCH_RETENTION_CANCELLED_DAYS: whole(0, 365, 0),
  BATCH_RETENTION_EXPIRED_DAYS: whole(0, 365, 0),
  BATCH_DEAD_LETTER_RETENTION_DAYS: whole(0, 3_650, 0),
  BATCHYARD_AUDIT_RETENTION_DAYS: whole(0, 3_650, 0),

  SSE_BATCH_SIZE: whole(1, 10_000, 10),
  SSE_BATCH_TIMEOUT_SECONDS: decimal(0.01, 60, 0.5),
  SSE_BATCH_MAX_RETRIES: whole(0, 20, 2),
  SSE_BATCH_RETRY_DELAY: decimal(0, 60, 0.5),

  // How often an open page asks by itself: events keep it fresh, this mends what they missed.
  BATCHYARD_DASHBOARD_REFRESH_SECONDS: whole(1, 3_600, 10),
  BATCHYARD_DASHBOARD_ALERTS_SECONDS: whole(1, 3_600, 30),
  BATCHYARD_DASHBOARD_DETAIL_SECONDS: whole(1, 3_600, 5),
  BATCHYARD_DASHBOARD_MAX_RETRIES: whole(0, 20, 2),
  BATCHYARD_DASHBOARD_RETRY_DELAY_MS: whole(0, 60_000, 1_000),
} as const;

export type SettingName = keyof typeof SETTINGS;
type Values = { [N in SettingName]: (typeof SETTINGS)[N] extends Setting<infer T> ? T : never };
export type Origin = "flag" | "env" | "runtime" | "default";

/** Values of the command line, by the name they override. */
export type Flags = Partial<Record<SettingName, string | undefined>>;
type Environment = Readonly<Record<string, string | undefined>>;

export type Config = ReturnType<typeof shape> & {
  /** The same start with another runtime.env. Throws bad_config. */
  withRuntime(runtime: Environment): Config;
  /** Value of a variable of the process environment that batchyard.config names; null = not set. */
  variable(name: string): string | null;
  /** Values of the settings that are never shown. */
  readonly secrets: readonly string[];
};

/** Pure: the same three records give the same object. Throws bad_config with every fault at once. */
export function loadConfig(env: Environment, flags: Flags = {}, runtime: Environment = {}): Config {
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  const faults: Finding[] = [];
  for (const [name, { schema, allowed, fallback, secret }] of Object.entries(SETTINGS) as [SettingName, Setting<unknown>][]) {
    const given = first(["flag", flags[name]], ["env", env[name]], ["runtime", runtime[name]]);
    origins[name] = given?.origin ?? "default";
    if (given === null) {
      values[name] = fallback;
      continue;
    }
    const parsed = schema.safeParse(given.value);
    if (parsed.success) values[name] = parsed.data;
    else faults.push({ name, found: shapeOf(given.value, secret) + (given.origin === "runtime" ? " (in runtime.env)" : ""), allowed });
  }
  if (faults.length === 0) faults.push(...contradictions(values as Values));
  if (faults.length > 0) throw badConfig(faults);
  return deepFreeze({
    ...shape(values as Values, origins as Record<SettingName, Origin>, env),
    withRuntime: (changed: Environment) => loadConfig(env, flags, changed),
    variable: (name: string) => first(["env", env[name]])?.value ?? null,
    secrets: (Object.keys(SETTINGS) as SettingName[]).flatMap((name) => {
      const value = values[name];
      return SETTINGS[name].secret && typeof value === "string" ? [value] : [];
    }),
  });
}

/** Reads process.env and `<data>/runtime.env`. */
export function configFromProcess(flags: Flags = {}): Config {
  const data = first(["flag", flags.BATCHYARD_DATA], ["env", process.env["BATCHYARD_DATA"]])?.value ?? SETTINGS.BATCHYARD_DATA.fallback;
  return loadConfig(process.env, flags, readRuntime(join(resolve(data), "runtime.env")));
}

/** Libraries that are slower while their own users develop are told that this is no such case. */
export function preferProduction(): void {
  process.env["NODE_ENV"] ??= "production";
}

export interface Surroundings {
  /** Whether colours are welcome where the reader is a terminal, and whether they are wanted everywhere (FORCE_COLOR). */
  readonly color: boolean;
  readonly forced: boolean;
  readonly dumb: boolean;
  readonly ci: boolean;
  /** COLUMNS: the width of what is no terminal; null = not said. */
  readonly columns: number | null;
  /** Command that opens a page, where the owner of the terminal names one. */
  readonly browser: string | null;
}

/** What a terminal program asks of its surroundings, apart from the settings. */
export function terminalFromProcess(): Surroundings {
  const { NO_COLOR = "", FORCE_COLOR = "", COLUMNS = "", CI = "", BROWSER = "", TERM } = process.env;
  const dumb = TERM === "dumb";
  const forced = FORCE_COLOR !== "" && FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  const refused = NO_COLOR !== "" || FORCE_COLOR === "0" || FORCE_COLOR === "false";
  return {
    color: forced || (!dumb && !refused),
    forced,
    dumb,
    ci: CI !== "",
    columns: /^[1-9]\d{0,3}$/.test(COLUMNS) ? Number(COLUMNS) : null,
    browser: BROWSER === "" ? null : BROWSER,
  };
}

/** Where a user keeps the servers that commands name by `--profile`. */
export function profilesFile(): string {
  const { BATCHYARD_PROFILES = "", XDG_CONFIG_HOME = "" } = process.env;
  if (BATCHYARD_PROFILES !== "") return resolve(BATCHYARD_PROFILES);
  return join(XDG_CONFIG_HOME === "" ? join(homedir(), ".config") : XDG_CONFIG_HOME, "batchyard", "profiles.json");
}

/** `KEY=value` lines; blank lines and lines that start with # are skipped, quotes around a value are taken off. */
export function parseRuntime(content: string): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const line of content.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    entries[match[1]] = match[2].replace(/^(["'])(.*)\1$/, "$2");
  }
  return entries;
}

function readRuntime(path: string): Record<string, string> {
  try {
    return parseRuntime(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw badConfig([
      {
        name: path,
        found: `not readable (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
        allowed: "allowed: a file this user can read",
      },
    ]);
  }
}

const DEFAULT_SENDER = "Batchyard <batchyard@localhost>";

// ── the object ───────────────────────────────────────────────────────────────────────────────────────────────────────

function shape(v: Values, origins: Record<SettingName, Origin>, env: Environment) {
  return {
    /** Absolute path. */
    data: resolve(v.BATCHYARD_DATA),
    host: v.BATCHYARD_HOST,
    /** 0 = any free port. */
    port: v.BATCHYARD_PORT,
    /** An admin API key taken as it is; null = one is made at the first start. */
    token: v.BATCHYARD_TOKEN,
    databaseUrl: v.DATABASE_URL,
    redisUrl: v.REDIS_URL,
    openai: { apiKey: v.OPENAI_API_KEY, baseUrl: v.OPENAI_BASE_URL },
    logLevel: v.LOG_LEVEL,
    /** Chunks run at once by this process; 0 = none, workers run elsewhere. */
    workers: v.BATCHYARD_WORKERS,
    /** Low, normal, high, critical. */
    priorityWeights: v.BATCHYARD_PRIORITY_WEIGHTS,
    tenantWeights: v.BATCHYARD_TENANT_WEIGHTS,
    leaseMs: v.BATCHYARD_LEASE_MS,
    shutdownMs: v.BATCHYARD_SHUTDOWN_SECONDS * 1000,
    sqlite: { synchronous: v.BATCHYARD_SQLITE_SYNCHRONOUS },
    limits: {
      /** Bytes of a JSON body. */
      bodyBytes: v.BATCHYARD_MAX_BODY_BYTES,
      /** Bytes of a streamed upload or a file. */
      uploadBytes: v.BATCHYARD_MAX_UPLOAD_BYTES,
      maxItems: v.BATCHYARD_MAX_ITEMS,
      /** Batches a credential may create in a minute. */
      createPerMinute: v.BATCHYARD_CREATE_PER_MINUTE,
    },
    /** Webhooks of requests and of channels. */
    webhooks: {
      /** Null = none are taken with requests. */
      secret: v.BATCHYARD_WEBHOOK_SECRET,
      /** `host:port` of those in private networks that are allowed. */
      hosts: v.BATCHYARD_WEBHOOK_HOSTS,
    },
    /** Where mail goes out; null = no e-mail. */
    mail: v.BATCHYARD_SMTP_URL === null ? null : { url: v.BATCHYARD_SMTP_URL, from: v.BATCHYARD_SMTP_FROM ?? DEFAULT_SENDER },
    /** What a batch gets that does not say otherwise. */
    batch: {
      defaultSize: v.BATCH_DEFAULT_SIZE,
      maxRetries: v.BATCH_MAX_RETRIES,
      timeoutMs: v.BATCH_TIMEOUT_MS,
      retentionDays: v.BATCH_RETENTION_DAYS,
      /** By state; 0 = as retentionDays. */
      retention: {
        completed: v.BATCH_RETENTION_COMPLETED_DAYS,
        failed: v.BATCH_RETENTION_FAILED_DAYS,
        cancelled: v.BATCH_RETENTION_CANCELLED_DAYS,
        expired: v.BATCH_RETENTION_EXPIRED_DAYS,
      },
      /** Days; 0 = for ever. */
      retentionOfLog: { deadLetters: v.BATCH_DEAD_LETTER_RETENTION_DAYS, audit: v.BATCHYARD_AUDIT_RETENTION_DAYS },
    },
    /** Also of callers of the API, a large change of a stream's rules asks for a preview or a reason. */
    previewRequired: v.BATCHYARD_PREVIEW_REQUIRED,
    windows: {
      windowSeconds: v.BATCH_WINDOW_SECONDS,
      idleTimeoutSeconds: v.BATCH_IDLE_TIMEOUT_SECONDS,
      checkIntervalSeconds: v.BATCH_CHECK_INTERVAL_SECONDS,
      maxDetections: v.BATCH_MAX_DETECTIONS,
      fastPath: { confidenceThreshold: v.FAST_PATH_CONFIDENCE_THRESHOLD, objectTypes: v.FAST_PATH_OBJECT_TYPES },
    },
    queue: {
      /** Batches of a tenant that may wait. */
      maxSize: v.QUEUE_MAX_SIZE,
      /** Share of maxSize from which windows hold. */
      backpressureThreshold: v.QUEUE_BACKPRESSURE_THRESHOLD,
      /** When the queue of an operation is shown as warning or critical. */
      warningDepth: v.QUEUE_WARNING_DEPTH,
      criticalDepth: v.QUEUE_CRITICAL_DEPTH,
      warningWaitMs: v.QUEUE_WARNING_WAIT_SECONDS * 1000,
      criticalWaitMs: v.QUEUE_CRITICAL_WAIT_SECONDS * 1000,
    },
    processing: {
      enabled: v.BATCH_PROCESSING_ENABLED,
      createInterval: v.BATCH_CREATE_INTERVAL,
      statusCheckInterval: v.BATCH_STATUS_CHECK_INTERVAL,
      resultProcessingInterval: v.BATCH_RESULT_PROCESSING_INTERVAL,
      maxRequests: v.BATCH_MAX_REQUESTS,
      timeoutHours: v.BATCH_TIMEOUT_HOURS,
      minSize: v.BATCH_MIN_SIZE,
    },
    monitoring: { retentionDays: v.BATCH_MONITORING_RETENTION_DAYS },
    alerts: {
      /** Percent of failed items. */
      errorRate: v.BATCH_ALERT_THRESHOLD_ERROR_RATE,
      processingTimeSeconds: v.BATCH_ALERT_THRESHOLD_PROCESSING_TIME,
    },
    sse: {
      batchSize: v.SSE_BATCH_SIZE,
      batchTimeoutMs: v.SSE_BATCH_TIMEOUT_SECONDS * 1000,
      maxRetries: v.SSE_BATCH_MAX_RETRIES,
      retryDelayMs: v.SSE_BATCH_RETRY_DELAY * 1000,
    },
    /** How open pages of the dashboard ask. */
    dashboard: {
      refreshSeconds: v.BATCHYARD_DASHBOARD_REFRESH_SECONDS,
      alertsSeconds: v.BATCHYARD_DASHBOARD_ALERTS_SECONDS,
      detailSeconds: v.BATCHYARD_DASHBOARD_DETAIL_SECONDS,
      maxRetries: v.BATCHYARD_DASHBOARD_MAX_RETRIES,
      retryDelayMs: v.BATCHYARD_DASHBOARD_RETRY_DELAY_MS,
    },
    /** Where a trace is looked at, with `{traceId}`; null = nowhere. */
    traceUrl: v.BATCHYARD_TRACE_URL,
    /** Origins that may show the page of a shared link in a frame. */
    frameOrigins: v.BATCHYARD_FRAME_ORIGINS,
    /** The OTEL_* names as they are; the OpenTelemetry SDK defines them. */
    otel: Object.fromEntries(Object.entries(env).filter(([name, value]) => name.startsWith("OTEL_") && value !== undefined)) as Record<
      string,
      string
    >,
    /** Where each value came from; a value of the process environment cannot be changed by the settings API. */
    origins,
    /** Sentences for the operator that do not stop the start. */
    warnings: warnings(v, env),
  };
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

function warnings(v: Values, env: Environment): string[] {
  const found: string[] = [];
  if (!LOOPBACK.test(v.BATCHYARD_HOST)) {
    found.push(
      `Listening on ${v.BATCHYARD_HOST} without TLS: everybody on that network can reach the sign-in page; put a TLS proxy in front`,
    );
  }
  const ours = Object.keys(SETTINGS).filter((name) => name.startsWith("BATCHYARD_"));
  for (const name of Object.keys(env)) {
    if (!name.startsWith("BATCHYARD_") || ours.includes(name)) continue;
    found.push(`${name} is not a setting of Batchyard and is ignored; known: ${ours.join(", ")}`);
  }
  return found;
}

// ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Finding {
  name: string;
  found: string;
  allowed: string;
}

function contradictions(v: Values): Finding[] {
  if (v.BATCH_IDLE_TIMEOUT_SECONDS < v.BATCH_WINDOW_SECONDS) return [];
  return [
    {
      name: "BATCH_IDLE_TIMEOUT_SECONDS",
      found: String(v.BATCH_IDLE_TIMEOUT_SECONDS),
      allowed: `allowed: less than BATCH_WINDOW_SECONDS (${v.BATCH_WINDOW_SECONDS})`,
    },
  ];
}

function badConfig(findings: Finding[]): BatchyardError {
  const [head, ...rest] = findings as [Finding, ...Finding[]];
  const others = rest.map((fault) => `\n${fault.name} is ${fault.found}; ${fault.allowed}`).join("");
  const errors = findings.map((fault): Fault => ({ path: fault.name, message: `is ${fault.found}; ${fault.allowed}`, code: "bad_config" }));
  return new BatchyardError("bad_config", { ...head, allowed: head.allowed + others }, { errors });
}

/** Short plain words and numbers as they are; of anything that may be a secret only its length. */
function shapeOf(value: string, secret: boolean): string {
  if (!secret && /^-?\d{1,15}(\.\d{1,6})?$/.test(value)) return value;
  if (!secret && /^[A-Za-z_*/ ,.-]{1,16}$/.test(value)) return `'${value}'`;
  return `a text of ${value.length} character${value.length === 1 ? "" : "s"}`;
}

function first(
  ...candidates: [Exclude<Origin, "default">, string | undefined][]
): { origin: Exclude<Origin, "default">; value: string } | null {
  for (const [origin, value] of candidates) {
    if (value !== undefined && value.trim() !== "") return { origin, value: value.trim() };
  }
  return null;
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) deepFreeze(part as object);
  return Object.freeze(value);
}
