import { expect, it } from "vitest";
import { builtinOperations } from "./builtin.ts";
import { createRegistry } from "../registry.ts";

it("lists every built-in operation with strict options and descriptions", () => {
  const infos = createRegistry(builtinOperations).list();
  expect(infos.map(({ name }) => name)).toEqual(["analyze", "annotate", "cleanup", "export", "import", "report", "transform", "validate"]);
  const loose = infos.filter(
    ({ description, options }) => description === "" || options["type"] !== "object" || options["additionalProperties"] !== false,
  );
  expect(loose).toEqual([]);
});
