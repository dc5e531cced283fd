import { expect, it } from "vitest";
import { isCritical } from "./options.ts";
import { snapshot } from "./scene.fixture.ts";

it("is critical while such an alert fires that nobody silenced, or the server says so", () => {
  const { alerts, overview, ...rest } = snapshot();
  const changed = (change: object, status: "healthy" | "critical" = "healthy") => ({
    ...rest,
    overview: { ...overview, health: { status, reasons: [] } },
    alerts: { ...alerts!, alerts: alerts!.alerts.map((alert) => ({ ...alert, ...change })) },
  });
  expect(isCritical(changed({}))).toBe(true);
  expect(isCritical(changed({ silenced: true }))).toBe(false);
  expect(isCritical(changed({ severity: "high" }))).toBe(false);
  expect(isCritical(changed({ state: "recovering" }))).toBe(false);
  expect(isCritical(changed({ silenced: true }, "critical"))).toBe(true);
  expect(isCritical({ ...changed({}), alerts: null })).toBe(false);
});
