import { expect, it } from "vitest";
import { definitionFrom, EMPTY_STREAM } from "./stream-draft.ts";

it("what is left empty is no rule; numbers are numbers, a schedule stays text, options are read by their schema", () => {
  const draft = {
    ...EMPTY_STREAM,
    name: "orders",
    operation: "transform",
    keyField: " shop ",
    rules: { windowSeconds: "60", maxItems: "", schedule: " */5 * * * * " },
    options: { expression: "$uppercase(name)", keep: '["a"]' },
  };
  const schema = { properties: { expression: { type: "string" }, keep: { type: "array" } }, required: ["expression"] };
  expect(definitionFrom(draft, schema)).toEqual({
    definition: {
      operation: "transform",
      options: { expression: "$uppercase(name)", keep: ["a"] },
      keyField: "shop",
      windowSeconds: 60,
      schedule: "*/5 * * * *",
    },
  });
});

it("says which option is not JSON", () => {
  const schema = { properties: { keep: { type: "array" } } };
  expect(definitionFrom({ ...EMPTY_STREAM, options: { keep: "[a" } }, schema)).toEqual({ faults: { "options.keep": "This is not JSON" } });
});
