import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defineOperation } from "../operations/define.ts";
import { OperationError } from "../model/failure.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { serve, type Served } from "./server.fixture.ts";

const SECOND = 1_000;
let clock: VirtualClock;
let served: Served;
let isUp: boolean;
beforeEach(async () => {
  clock = new VirtualClock();
  isUp = false;
  const asking = (name: string) =>
    defineOperation({
      name,
      processItem() {
        if (!isUp) throw new OperationError("connect ECONNREFUSED", { code: "ECONNREFUSED", category: "transient" });
        return { result: 1 };
      },
    });
  served = await serve({ clock, operations: [asking("ask"), asking("analyze-here")] });
});
afterEach(() => served.close());

interface Shown {
  mode: string;
  is_degraded: boolean;
  services: { name: string; status: string; consecutive_failures: number; error_message: string | null }[];
}
async function degradation(key?: string): Promise<Shown & { failing: string[] }> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const { json } = await served.send({ url: "/api/system/pipeline", headers });
  const found = (json as unknown as { degradation: Shown }).degradation;
  return { ...found, failing: found.services.filter(({ status }) => status === "unhealthy").map(({ name }) => name) };
}

describe("what degrades the server", () => {
  it("is a provider that is down, until it is back; only whose item it was reads the error", async () => {
    expect(await degradation()).toMatchObject({ mode: "normal", is_degraded: false, failing: [] });
    const items = Array.from({ length: 40 }, (_, n) => ({ id: `${n}` }));
    const id = await served.create({ operation: "ask", items, options: { retryAttempts: 20 } });
    await clock.advance(2 * SECOND);
    const down = await degradation();
    expect(down).toMatchObject({ mode: "degraded", is_degraded: true, failing: ["ask"] });
    const [ask] = down.services.filter(({ name }) => name === "ask");
    expect(ask!.consecutive_failures).toBeGreaterThanOrEqual(20);
    expect(ask!.error_message).toContain("ECONNREFUSED");
    const other = await degradation(await served.key("viewer", "other"));
    expect(other.failing).toEqual(["ask"]);
    expect(JSON.stringify(other)).not.toContain("ECONNREFUSED");
    isUp = true;
    const breakers = async (method: "GET" | "POST", path = "") =>
      (await served.send({ method, url: `/api/system/breakers${path}` })).json as unknown as {
        breakers: { name: string; state: string }[];
      };
    expect((await breakers("GET")).breakers).toMatchObject([{ name: "ask", state: "open" }]);
    expect((await breakers("POST", "/ask/reset")).breakers).toEqual([]);
    await clock.advance(120 * SECOND);
    expect((await served.yard.store.batches.get("default", id))!.status).toBe("completed");
    expect(await degradation()).toMatchObject({ mode: "normal", failing: [] });
  });

  it("is a worker of outside that was lost with work, and a server that takes nothing", async () => {
    await served.create({ operation: "echo", items: [{ id: "1" }], options: { executor: "external" } });
    const lease = () => served.send({ method: "POST", url: "/api/external/lease", payload: { worker: "w1", max: 1, leaseMs: 10_000 } });
    await lease();
    expect((await degradation()).mode).toBe("normal");
    await clock.advance(12 * SECOND);
    expect(await degradation()).toMatchObject({ mode: "degraded", failing: ["worker:external:w1"] });
    await lease();
    expect((await degradation()).mode).toBe("normal");
    await clock.advance(12 * SECOND);
    const local = encodeURIComponent(served.yard.engine.id);
    await served.send({ method: "POST", url: `/api/system/workers/${local}/drain` });
    expect(await degradation()).toMatchObject({ mode: "minimal", failing: ["workers", "worker:external:w1"] });
  });
});
