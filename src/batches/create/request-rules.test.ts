import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { BatchyardError } from "../../model/errors.ts";
import { builtinOperations } from "../../operations/builtin/builtin.ts";
import { defineOperation } from "../../operations/define.ts";
import { createRegistry } from "../../operations/registry.ts";
import { Providers } from "../../providers/providers.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { RequestRules } from "./request-rules.ts";
import type { CreateRequest } from "../service.ts";

const single = defineOperation({
  name: "single",
  options: z.strictObject({ language: z.string().optional() }),
  processItem: () => ({ result: 1 }),
});
const whole = defineOperation({ name: "whole", free: true, processBatch: () => [] });
const outside = defineOperation({ name: "outside", external: true });

const clock = new VirtualClock();
const rules = (apiKey: string | null = null): RequestRules =>
  new RequestRules({
    registry: createRegistry([...builtinOperations, single, whole, outside]),
    clock,
    providers: new Providers({ declared: undefined, openai: { apiKey, baseUrl: null }, variable: () => null }),
    channels: () => ["log", "ops"],
    defaultChannels: () => ["log"],
  });

const decided = (request: CreateRequest, hasItems = true) => {
  const { executor, notify, warnings } = rules().check("default", request, hasItems);
  return { executor, notify, warnings };
};
/** Path and code of every fault. */
const faults = (request: CreateRequest, hasItems = true): (string | undefined)[][] => {
  try {
    rules().check("default", request, hasItems);
    return [];
  } catch (error) {
    return (error as BatchyardError).errors!.map(({ path, code }) => [path, code]);
  }
};
const withOptions = (options: Record<string, unknown>, operation = "single"): CreateRequest => ({ operation, options });

describe("what a request leaves open", () => {
  it("is decided by its operation", () => {
    expect(decided({ operation: "single" })).toEqual({ executor: "handler", notify: [], warnings: [] });
    expect(decided({ operation: "outside" }).executor).toBe("external");
    expect(decided(withOptions({ executor: "external" })).executor).toBe("external");
  });

  it("is outside work where items are only announced", () => {
    expect(decided({ operation: "single", total_items: 5 }, false).executor).toBe("external");
  });

  it("are the channels that stand, when it only says that somebody is to hear of the end", () => {
    expect(decided(withOptions({ notifyOnComplete: true })).notify).toEqual(["log"]);
    expect(decided(withOptions({ notifyOnComplete: ["ops"] })).notify).toEqual(["ops"]);
    expect(decided(withOptions({ notifyOnComplete: false })).notify).toEqual([]);
  });
});

describe("a request that cannot be kept", () => {
  it.each<[string, CreateRequest, (string | undefined)[][]]>([
    ["an executor that cannot run it", withOptions({ executor: "http" }), [["options.executor", "invalid_value"]]],
    [
      "whole chunks larger than its concurrency",
      withOptions({ batchSize: 5, concurrency: 4 }, "whole"),
      [["options.batchSize", "out_of_range"]],
    ],
    [
      "a pace for workers outside",
      withOptions({ executor: "external", rateLimit: { requestsPerMinute: 5 } }),
      [["options.rateLimit.requestsPerMinute", "not_supported"]],
    ],
    ["tokens nobody counts", withOptions({ rateLimit: { tokensPerMinute: 5 } }), [["options.rateLimit.tokensPerMinute", "not_supported"]]],
    ["a deadline that is over", withOptions({ deadline: "2020-01-01T00:00:00Z" }), [["options.deadline", "out_of_range"]]],
    ["a hedge without a deadline", withOptions({ hedgeMs: 60_000 }), [["options.hedgeMs", "not_supported"]]],
    ["a budget for what costs nothing", withOptions({ budgetUsd: 1 }, "whole"), [["options.budgetUsd", "not_supported"]]],
    ["a channel that is not there", withOptions({ notifyOnComplete: ["pager"] }), [["options.notifyOnComplete", "unknown_channel"]]],
    ["items twice", { operation: "single", input: { collection: "toys" } }, [["input", "invalid_value"]]],
  ])("%s is refused", (_name, request, expected) => expect(faults(request)).toEqual(expected));

  it("is refused with all its faults at once, a mistyped option with the one that was meant", () => {
    expect(faults(withOptions({ concurency: 4, language: 5, retryAttempts: -1 })).map(([path]) => path)).toEqual([
      "options.retryAttempts",
      "options.language",
      "options.concurency",
    ]);
    expect(() => rules().check("default", withOptions({ concurency: 4 }), true)).toThrow(
      expect.objectContaining({ errors: [expect.objectContaining({ message: expect.stringContaining("did you mean 'concurrency'") })] }),
    );
  });

  it("asks for a provider when there is none, and takes it when there is", () => {
    const request = withOptions({ model: "gpt-4.1-mini", prompt: "x" }, "annotate");
    const asked = (executor: string): CreateRequest => ({ ...request, options: { ...request.options, executor } });
    expect(faults(asked("openai-batch"))).toEqual([["options.executor", "provider_not_configured"]]);
    expect(rules("sk-test").check("default", asked("openai-batch"), true).executor).toBe("openai-batch");
  });
});

describe("what nothing will heed", () => {
  it("is said and not refused", () => {
    expect(
      decided({ operation: "single", filters: { a: 1 }, priority: "high", options: { priority: "low" }, total_items: 3 }).warnings,
    ).toEqual([expect.stringContaining("filters"), expect.stringContaining("total_items"), expect.stringContaining("priority high")]);
  });
});
