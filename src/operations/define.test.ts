import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineOperation } from "./define.ts";
import type { OperationDefinition } from "./define.ts";
import type { Operation } from "./operation.ts";

const ok = () => ({ result: null });

describe("defineOperation", () => {
  it("infers options and payload", () => {
    const operation = defineOperation({
      name: "annotate-products",
      options: z.strictObject({ language: z.string().default("en"), depth: z.number().optional() }),
      processItem(item: { text: string }, ctx) {
        expectTypeOf(ctx.options).toEqualTypeOf<{ language: string; depth?: number | undefined }>();
        return { result: { tags: item.text.split(" ") }, qualityScore: 0.95 };
      },
    });
    expectTypeOf(operation).toEqualTypeOf<Operation<{ language: string; depth?: number | undefined }>>();
    expect(operation.options.parse({})).toEqual({ language: "en" });
    const plain: Operation = operation;
    expect(plain.description).toBe("");
    defineOperation({
      name: "loose",
      processItem(item) {
        expectTypeOf(item).toEqualTypeOf<Record<string, unknown>>();
        return { result: item["a"] };
      },
    });
  });

  it("refuses options where none are declared", () => {
    const operation = defineOperation({ name: "bare", processItem: ok });
    expect(operation.options.safeParse({}).success).toBe(true);
    expect(operation.options.safeParse({ model: "x" }).success).toBe(false);
  });

  it.each(["", "Annotate", "1st", "a b", "a".repeat(65), "ünïcode", "../x"])("refuses the name %j", (name) => {
    expect(() => defineOperation({ name, processItem: ok })).toThrow(/operation name .* not allowed; names match/);
  });

  it("wants exactly one way to run", () => {
    const loose = (fields: object) => () => defineOperation({ name: "x", ...fields } as OperationDefinition<unknown, unknown>);
    expect(loose({})).toThrow(/is missing; give exactly one/);
    expect(loose({ processItem: ok, processBatch: () => [] })).toThrow(/given 2 times \(processItem, processBatch\)/);
    expect(loose({ thread: new URL("file:///x.ts"), http: { url: "http://127.0.0.1:1/" } })).toThrow(/given 2 times/);
    expect(loose({ thread: new URL("file:///x.ts"), processItem: ok })).not.toThrow();
    expect(loose({ thread: new URL("file:///x.ts") })).not.toThrow();
    expect(loose({ processBatch: () => [] })).not.toThrow();
    expect(loose({ external: true })).not.toThrow();
    expect(loose({ external: true, processItem: ok })).toThrow(/given 2 times \(processItem, external\)/);
    expect(loose({ http: { url: "https://example.test/chunk" } })).not.toThrow();
    expect(loose({ http: { url: "ftp://example.test" } })).toThrow(/starts with http/);
    expect(loose({ processItem: ok, concurrency: 0 })).toThrow(/1 to 10000/);
  });
});
