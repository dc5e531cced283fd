import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineOperation } from "./define.ts";
import { createRegistry } from "./registry.ts";

const shout = defineOperation({
  name: "shout",
  description: "Makes text loud.",
  options: z.strictObject({
    times: z.int().min(1).default(1),
    at: z
      .string()
      .transform((text) => new Date(text))
      .optional(),
  }),
  processItem: () => ({ result: "!" }),
});
const push = defineOperation({ name: "push", http: { url: "http://127.0.0.1:9/" } });

describe("registry", () => {
  it("finds operations and names the known ones for one it does not have", () => {
    const registry = createRegistry([shout, push]);
    expect(registry.get("shout")).toBe(shout);
    expect(registry.has("nope")).toBe(false);
    expect(() => registry.get("nope")).toThrow("There is no operation 'nope'; known: push, shout");
  });

  it("refuses a name twice", () => {
    expect(() => createRegistry([shout, shout])).toThrow(/defined twice/);
  });

  it("lists the JSON Schema of the options as a client writes them", () => {
    const [first, second] = createRegistry([shout, push]).list();
    expect(first).toMatchObject({ name: "push", runs: "http" });
    expect(second).toMatchObject({ name: "shout", description: "Makes text loud.", runs: "handler" });
    expect(second!.options).toMatchObject({
      type: "object",
      additionalProperties: false,
      properties: { times: { type: "integer", minimum: 1, default: 1 } },
    });
    expect(second!.options["required"]).toBeUndefined();
  });
});
