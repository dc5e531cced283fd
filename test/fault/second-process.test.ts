import { describe, expect, it } from "vitest";
import { numbered } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import { serve, starting } from "../support/served.ts";

const newFolder = folders();

describe("a second process on the same data directory", () => {
  it("is refused by name of the first, which goes on; after kill -9 of the first another one starts", async () => {
    const data = newFolder();
    const before = Date.now();
    const first = await serve(data);
    const { id } = await first.client.create(
      { operation: "steady" },
      numbered(0, 1).map((item) => ({ ...item })),
    );
    const second = starting(data);
    const { code } = await second.ended;
    expect(code).toBe(1);
    const said = /The data directory (\S+) is in use by pid (\d+) since (\S+); stop that process or choose another directory/.exec(
      second.output,
    )!;
    expect(said[1]).toBe(data);
    expect(Number(said[2])).toBe(first.child.pid);
    expect(Date.parse(said[3]!)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(said[3]!)).toBeLessThanOrEqual(Date.now());
    expect(second.output).not.toContain("    at ");
    expect((await first.client.get(id)).id).toBe(id);

    expect(await first.child.end("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
    const third = await serve(data);
    expect((await third.client.get(id)).id).toBe(id);
  });
});
