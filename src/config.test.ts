import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configFromProcess, loadConfig, parseRuntime } from "./config.ts";
import { BatchyardError } from "./model/errors.ts";

function refusal(env: Record<string, string>, flags = {}): BatchyardError {
  try {
    loadConfig(env, flags);
  } catch (error) {
    if (error instanceof BatchyardError) return error;
  }
  throw new Error("loadConfig accepted what it should refuse");
}

const AS_ALL = { completed: 0, failed: 0, cancelled: 0, expired: 0 };

describe("loadConfig", () => {
  it("has the fixed defaults", () => {
    const config = loadConfig({});
    expect(config.port).toBe(8377);
    expect(config.host).toBe("127.0.0.1");
    expect(config.batch).toEqual({
      defaultSize: 50,
      maxRetries: 3,
      timeoutMs: 30_000,
      retentionDays: 30,
      retention: AS_ALL,
      retentionOfLog: { deadLetters: 0, audit: 0 },
    });
    expect(config.windows).toEqual({
      windowSeconds: 90,
      idleTimeoutSeconds: 30,
      checkIntervalSeconds: 5,
      maxDetections: 500,
      fastPath: { confidenceThreshold: 0.9, objectTypes: ["person"] },
    });
    expect(config.sse).toEqual({ batchSize: 10, batchTimeoutMs: 500, maxRetries: 2, retryDelayMs: 500 });
    expect(config.monitoring).toEqual({ retentionDays: 30 });
    expect(config.alerts).toEqual({ errorRate: 10, processingTimeSeconds: 3600 });
    expect(config.limits.maxItems).toBe(1_000_000);
    expect(config.token).toBeNull();
    expect(config.warnings).toEqual([]);
  });

  it("takes flag before environment before runtime.env before default, and says which", () => {
    const runtime = { BATCH_DEFAULT_SIZE: "1", BATCH_MAX_RETRIES: "1", BATCH_TIMEOUT_MS: "1" };
    const config = loadConfig({ BATCH_DEFAULT_SIZE: "2", BATCH_MAX_RETRIES: "2" }, { BATCH_DEFAULT_SIZE: "3" }, runtime);
    expect(config.batch).toEqual({
      defaultSize: 3,
      maxRetries: 2,
      timeoutMs: 1,
      retentionDays: 30,
      retention: AS_ALL,
      retentionOfLog: { deadLetters: 0, audit: 0 },
    });
    expect(config.origins.BATCH_DEFAULT_SIZE).toBe("flag");
    expect(config.origins.BATCH_MAX_RETRIES).toBe("env");
    expect(config.origins.BATCH_TIMEOUT_MS).toBe("runtime");
    expect(config.origins.BATCH_RETENTION_DAYS).toBe("default");
  });

  it("is frozen all the way down", () => {
    const config = loadConfig({});
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.windows.fastPath)).toBe(true);
  });

  it("names every fault at once, with what was found and what is allowed", () => {
    const error = refusal({ BATCHYARD_PORT: "99999", LOG_LEVEL: "loud", BATCH_CREATE_INTERVAL: "61 * * * *", BATCH_MAX_RETRIES: "1.5" });
    expect(error.code).toBe("bad_config");
    expect(error.errors?.map((fault) => fault.path).sort()).toEqual([
      "BATCHYARD_PORT",
      "BATCH_CREATE_INTERVAL",
      "BATCH_MAX_RETRIES",
      "LOG_LEVEL",
    ]);
    expect(error.message).toContain("BATCHYARD_PORT is 99999; allowed: a whole number from 0 to 65535");
    expect(error.message).toContain("LOG_LEVEL is 'loud'; allowed: trace, debug");
  });

  it("never shows the text of a secret", () => {
    const error = refusal({
      BATCHYARD_TOKEN: "hunter2",
      DATABASE_URL: "mysql://root:hunter2@db/x",
      BATCHYARD_PORT: "hunter2-pasted-into-the-wrong-name",
    });
    expect(error.message).not.toContain("hunter2");
    expect(error.message).toContain("BATCHYARD_TOKEN is a text of 7 characters; allowed: at least 16");
  });

  it("takes origins that may frame, and nothing that could say more in a header", () => {
    const { frameOrigins } = loadConfig({ BATCHYARD_FRAME_ORIGINS: "https://Portal.example, http://127.0.0.1:8080" });
    expect(frameOrigins).toEqual(["https://portal.example", "http://127.0.0.1:8080"]);
    expect(loadConfig({}).frameOrigins).toEqual([]);
    const bad = ["*", "https://*.example", "https://a.example/", "https://a.example/page", "a.example", "ftp://a.example", "'self'"];
    for (const value of [...bad, "https://a.example;script-src", "https://a.example https://b.example", "https://a.example:99999"])
      expect([value, refusal({ BATCHYARD_FRAME_ORIGINS: value }).errors?.[0]?.path]).toEqual([value, "BATCHYARD_FRAME_ORIGINS"]);
    expect(refusal({ BATCHYARD_FRAME_ORIGINS: "https://a.example, https://*.example" }).message).toContain(
      "BATCHYARD_FRAME_ORIGINS is a text of 36 characters; allowed: at most 50 origins separated by commas",
    );
  });

  it("takes weights of priorities and of tenants", () => {
    expect(loadConfig({})).toMatchObject({ priorityWeights: [1, 4, 16, 64], tenantWeights: [] });
    const given = { BATCHYARD_PRIORITY_WEIGHTS: "1, 1,2,10", BATCHYARD_TENANT_WEIGHTS: "acme=3, beta = 2" };
    expect(loadConfig(given)).toMatchObject({ priorityWeights: [1, 1, 2, 10], tenantWeights: [["acme", 3], ["beta", 2]] }); // prettier-ignore
    for (const value of ["1,2,3", "4,3,2,1", "0,1,2,3", "1,2,3,4,5", "a,b,c,d", "1,1,1,1001"])
      expect([value, refusal({ BATCHYARD_PRIORITY_WEIGHTS: value }).errors?.[0]?.path]).toEqual([value, "BATCHYARD_PRIORITY_WEIGHTS"]);
    for (const value of ["acme", "acme=0", "=3", "acme=3=4", "acme=1.5"])
      expect([value, refusal({ BATCHYARD_TENANT_WEIGHTS: value }).errors?.[0]?.path]).toEqual([value, "BATCHYARD_TENANT_WEIGHTS"]);
  });

  it("refuses an idle time that is not below the window", () => {
    expect(refusal({ BATCH_WINDOW_SECONDS: "30" }).message).toContain(
      "BATCH_IDLE_TIMEOUT_SECONDS is 30; allowed: less than BATCH_WINDOW_SECONDS (30)",
    );
  });

  it("warns of an open host and of names it does not know", () => {
    const { warnings } = loadConfig({ BATCHYARD_HOST: "0.0.0.0", BATCHYARD_PROT: "1" });
    expect(warnings.join("\n")).toMatch(/0\.0\.0\.0 without TLS/);
    expect(warnings.join("\n")).toMatch(/BATCHYARD_PROT is not a setting/);
  });

  it("reads booleans, lists and cron", () => {
    const config = loadConfig({
      BATCH_PROCESSING_ENABLED: "FALSE",
      FAST_PATH_OBJECT_TYPES: "person, car",
      BATCHYARD_SQLITE_SYNCHRONOUS: "full",
    });
    expect(config.processing.enabled).toBe(false);
    expect(config.windows.fastPath.objectTypes).toEqual(["person", "car"]);
    expect(config.sqlite.synchronous).toBe("FULL");
  });
});

describe("runtime.env", () => {
  it("is lines of KEY=value", () => {
    expect(parseRuntime("# set by the settings API\nA=1\r\n\nexport B = 'two words' \nnot a line\n")).toEqual({ A: "1", B: "two words" });
  });

  it("lies in the data directory", () => {
    const data = mkdtempSync(join(tmpdir(), "batchyard-config-"));
    try {
      writeFileSync(join(data, "runtime.env"), "BATCH_WINDOW_SECONDS=120\n");
      expect(configFromProcess({ BATCHYARD_DATA: data }).windows.windowSeconds).toBe(120);
    } finally {
      rmSync(data, { recursive: true });
    }
  });
});
