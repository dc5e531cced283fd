import { expect } from "vitest";
import { section } from "./section.ts";

export const channels = section("channels", {
  async "a channel is its tenant's, and the last word about it counts"(rig) {
    const { channels } = rig.store;
    await channels.save("acme", "ops", { slack: "x" }, rig.now);
    await channels.save("acme", "ops", { slack: "y" }, rig.now);
    expect(await channels.all()).toEqual([{ tenant: "acme", name: "ops", body: { slack: "y" } }]);
    expect([await channels.remove("other", "ops"), await channels.remove("acme", "ops")]).toEqual([false, true]);
  },

  async "a channel is off from its first end until it is switched on"(rig) {
    const { channels } = rig.store;
    const off = { tenant: "acme", name: "ops", target: "t1", at: rig.now, reason: "gone" };
    expect(await channels.switchOff(off)).toBe(true);
    expect(await channels.switchOff({ ...off, at: rig.now + 5, reason: "again" })).toBe(false);
    expect(await channels.switchOff({ ...off, tenant: null })).toBe(true);
    expect(await channels.off()).toEqual([{ ...off, tenant: null }, off]);
    expect([
      await channels.switchOn("other", "ops"),
      await channels.switchOn("acme", "ops"),
      await channels.switchOn("acme", "ops"),
    ]).toEqual([false, true, false]);
    expect(await channels.switchOn(null, "ops")).toBe(true);
    expect(await channels.off()).toEqual([]);
  },
});
