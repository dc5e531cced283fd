import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ACTS, bindings, conflictsOf, keysFor } from "./bindings.ts";

const SRC = join(import.meta.dirname, "..");
afterEach(() => bindings.replace({}));

describe("the keys", () => {
  it("are all in the table, so that each can be changed", () => {
    const used = readdirSync(SRC, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".tsx"))
      .flatMap((name) => [...readFileSync(join(SRC, name), "utf8").matchAll(/\bkeys: "([^"]+)",\s+label/g)].map(([, keys]) => keys));
    expect(used.length).toBeGreaterThan(15);
    expect([...new Set(used)].filter((keys) => !ACTS.some((act) => act.keys === keys))).toEqual([]);
  });

  it("come without a conflict", () => {
    expect(ACTS.flatMap((act) => conflictsOf(act, ACTS, {}))).toEqual([]);
    expect(new Set(ACTS.map(({ keys }) => keys)).size).toBe(ACTS.length);
  });

  it("can be others, and those they came with again", () => {
    bindings.set("j", "ArrowDown");
    expect([keysFor("j"), keysFor("k")]).toEqual(["ArrowDown", "k"]);
    bindings.set("j", null);
    expect(bindings.get()).toEqual({});
  });

  it("name those that they stand in the way of", () => {
    const freeze = ACTS.find(({ keys }) => keys === "f")!;
    expect(conflictsOf(freeze, ACTS, { f: "t" }).map(({ keys }) => keys)).toEqual(["t"]);
    expect(conflictsOf(freeze, ACTS, { f: "g" }).length).toBeGreaterThan(5);
    expect(conflictsOf(freeze, ACTS, { f: "g o x" }).map(({ keys }) => keys)).toEqual(["g o"]);
    expect(conflictsOf(freeze, ACTS, { f: "q" })).toEqual([]);
  });
});
