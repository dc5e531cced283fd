import { describe, expect, it } from "vitest";
import { ADAPTERS } from "./store/adapters.ts";
import { Rig } from "./store/rig.ts";
import { streamCases } from "./store/streams.ts";

describe.each(ADAPTERS)("store $name", (adapter) => {
  it("skips only cases that exist", () => {
    const names = streamCases.map((each) => each.name);
    const skipped = adapter.skip.flatMap((skip) => skip.tests).filter((name) => name.startsWith("streams ›"));
    expect(skipped.filter((name) => !names.includes(name))).toEqual([]);
    expect(names.length - skipped.length).toBeGreaterThanOrEqual(10);
  });

  it.each(streamCases.filter(({ name }) => !adapter.skip.some((skip) => skip.tests.includes(name))))("$name", async ({ run }) => {
    expect.hasAssertions();
    const opened = await adapter.open();
    try {
      await run(new Rig(opened));
    } finally {
      await opened.close();
    }
  });
});
