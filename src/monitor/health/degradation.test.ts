import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { degradationOf, type DegradationFacts } from "./degradation.ts";
import { HealthWatch, type Checks } from "./health-watch.ts";

const check = (name: string, ok = true) => ({ name, ok, message: ok ? null : "no", at: 5, failures: ok ? 0 : 3 });
const fine: DegradationFacts = {
  now: 10,
  checks: ["store", "writes", "dispatcher", "live"].map((name) => check(name)),
  breakers: [],
  workers: [],
  served: true,
};
const without = (name: string) => ({ ...fine, checks: fine.checks.map((each) => (each.name === name ? check(name, false) : each)) });
const breaker = (name: string, isOpen = true) => ({ ...fine, breakers: [{ name, isOpen, failures: 20, error: "down" }] });
const worker = (isLost: boolean) => ({ ...fine, workers: [{ id: "w", isLost, lastSeenAt: 0 }] });

describe("degradation", () => {
  it.each<[string, DegradationFacts, string, string[]]>([
    ["all is well", fine, "normal", []],
    ["the store does not answer", without("store"), "offline", ["store"]],
    ["the store is full", without("writes"), "minimal", ["writes"]],
    ["the dispatcher hangs", without("dispatcher"), "minimal", ["dispatcher"]],
    ["nobody is told", without("live"), "degraded", ["live"]],
    ["the operation of the windows is stopped", breaker("analyze"), "minimal", ["analyze"]],
    ["its breaker counts, and is closed", breaker("analyze", false), "normal", []],
    ["another operation is stopped", breaker("openai:gpt"), "degraded", ["openai:gpt"]],
    ["no worker", { ...fine, served: false }, "minimal", ["workers"]],
    ["a worker is lost", worker(true), "degraded", ["worker:w"]],
    ["a worker is there", worker(false), "normal", []],
  ])("%s", (_, facts, mode, unhealthy) => {
    const found = degradationOf(facts, "analyze");
    expect([found.mode, found.services.filter(({ isHealthy }) => !isHealthy).map(({ name }) => name)]).toEqual([mode, unhealthy]);
    for (const { isHealthy, error, failures } of found.services) expect(isHealthy || (error !== null && failures > 0)).toBe(true);
  });

  it("counts how often in a row a part has failed, every 5 seconds, from the first success on anew", async () => {
    let checks: Checks = { store: { ok: true } };
    const clock = new VirtualClock();
    const watch = new HealthWatch({ check: () => Promise.resolve(checks), clock, failed: () => undefined });
    expect(await watch.checked()).toMatchObject([{ name: "store", ok: true, failures: 0, message: null }]);
    watch.start();
    checks = { store: { ok: false, message: "no" } };
    await clock.advance(14_999);
    expect(await watch.checked()).toMatchObject([{ ok: false, failures: 2, message: "no", at: clock.now() - 4_999 }]);
    await clock.advance(1);
    expect(await watch.checked()).toMatchObject([{ failures: 3 }]);
    checks = { store: { ok: true } };
    await clock.advance(5_000);
    expect(await watch.checked()).toMatchObject([{ ok: true, failures: 0 }]);
    watch.stop();
    await clock.advance(60_000);
    expect(clock.nextAt()).toBeNull();
  });
});
