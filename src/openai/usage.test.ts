import { expect, it } from "vitest";
import { UsageSum } from "./usage.ts";

it("sums the usage of every kind of answer, and takes nothing from what is none", () => {
  const sum = new UsageSum();
  sum.add({
    usage: {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 2 },
    },
  });
  sum.add({
    usage: {
      input_tokens: 100,
      output_tokens: 50,
      total_tokens: 150,
      input_tokens_details: { cached_tokens: 1 },
      output_tokens_details: { reasoning_tokens: 20 },
    },
  });
  sum.add({ usage: { prompt_tokens: 7, total_tokens: 7 } });
  for (const body of [null, "text", {}, { usage: null }, { usage: { prompt_tokens: "3", completion_tokens: -1, total_tokens: 0.5 } }])
    sum.add(body);
  expect(sum.value()).toEqual({ input: 117, cachedInput: 5, output: 55, reasoningOutput: 22, total: 172 });
});
