import { expect, it } from "vitest";
import { providerOf, providerSchema } from "../../providers/provider.ts";
import { requestFault } from "./request-faults.ts";

const provider = providerOf("peer", providerSchema.parse({ limits: { maxEmbeddingInputs: 3 } }), null);
const fault = (input: unknown) => requestFault({ url: "/v1/embeddings", body: { model: "m", input } }, provider, 10);

it("refuses one request with more embedding inputs than a file may have", () => {
  expect(fault(["a", "b", "c"])).toBeNull();
  expect(fault([1, 2, 3, 4, 5])).toBeNull();
  expect(fault(["a", "b", "c", "d"])).toEqual({
    code: "too_many_inputs",
    error: "body.input has 4 inputs; peer takes at most 3 in a file",
  });
});
