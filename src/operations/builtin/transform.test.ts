import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ItemOutcome } from "../operation.ts";
import { openServices } from "../services.fixture.ts";
import type { ServicesFixture } from "../services.fixture.ts";
import { transform } from "./transform.ts";

let fixture: ServicesFixture;
beforeEach(() => {
  fixture = openServices();
});
afterEach(() => fixture.close());

async function run(options: Record<string, unknown>, payloads: unknown[]): Promise<ItemOutcome[]> {
  const items = payloads.map((payload, index) => ({ key: `k${index}`, payload }));
  return await transform.processBatch!(items, fixture.context(transform.options.parse(options)));
}

const fault = (expression: string) => transform.check!({ expression, collection: undefined })[0];

describe("transform", () => {
  it("gives the value of the expression", async () => {
    expect(
      await run({ expression: '{"name": $uppercase(title), "total": $sum(lines.(price * qty))}' }, [
        {
          title: "a",
          lines: [
            { price: 2, qty: 3 },
            { price: 1, qty: 1 },
          ],
        },
      ]),
    ).toEqual([{ key: "k0", result: { name: "A", total: 7 } }]);
    expect(JSON.stringify(await run({ expression: "$" }, [1, null, "x", [1, 2]]))).toBe(
      '[{"key":"k0","result":1},{"key":"k1","result":null},{"key":"k2","result":"x"},{"key":"k3","result":[1,2]}]',
    );
  });

  it("fails items without a value, and those the expression does not suit", async () => {
    expect(await run({ expression: "price" }, [{}])).toMatchObject([{ code: "no_value", category: "data" }]);
    expect(await run({ expression: "function($x){$x}" }, [{}])).toMatchObject([{ code: "no_value" }]);
    expect(await run({ expression: "price + 1" }, [{ price: "2" }, { price: 2 }])).toMatchObject([
      { code: "expression_failed", category: "data", error: expect.stringContaining("must evaluate to a number") },
      { result: 3 },
    ]);
  });

  it("refuses what does not compile, with the position", () => {
    expect(fault("price +")).toMatchObject({
      path: "expression",
      code: "invalid_expression",
      message: expect.stringMatching(/at character \d+/),
    });
    expect(fault("$match(x, /(a)(?=b)/)")!.message).toContain("no back-references");
    expect(fault("a".repeat(70_000))!.message).toContain("longer than");
    expect(fault("price * 2")).toBeUndefined();
  });

  it("ends what would not end", async () => {
    expect(await run({ expression: "($f := function($n){$f($n+1)}; $f(0))" }, [{}])).toMatchObject([
      { code: "expression_timeout", category: "data" },
    ]);
    expect(await run({ expression: "($f := function($n){1 + $f($n+1)}; $f(0))" }, [{}])).toMatchObject([{ code: "expression_failed" }]);
    expect(await run({ expression: '$pad("x", 1000000000)' }, [{}])).toMatchObject([
      { code: "expression_failed", error: expect.stringContaining("$pad") },
    ]);
    expect(await run({ expression: "[1..9999999]" }, [{}])).toMatchObject([{ code: "expression_failed" }]);
    expect(await run({ expression: "$contains(x, /^(a+)+$/)" }, [{ x: `${"a".repeat(50_000)}b` }])).toMatchObject([{ result: false }]);
    expect(await run({ expression: '$eval("$contains(x, /(a)(?=b)/)")' }, [{ x: "ab" }])).toMatchObject([{ code: "expression_failed" }]);
  });

  it("uses regular expressions as JSONata does", async () => {
    expect(
      await run({ expression: '[$replace(x, /(\\d+)-(\\d+)/, "$2-$1"), $split(x, /[,; ]+/), $match(x, /(\\w)=(\\d)/).groups]' }, [
        { x: "10-20, k=5" },
      ]),
    ).toMatchObject([{ result: ["20-10, k=5", "10-20", "k=5", "k", "5"] }]);
    expect(await run({ expression: '[$pad("a", 3), $pad("a", -3, "#"), $pad("a", 5, "xy"), $pad("😀", 2, "b")]' }, [{}])).toMatchObject([
      { result: ["a  ", "##a", "axyxy", "😀b"] },
    ]);
  });

  it("writes objects back under the item's key, replacing", async () => {
    await fixture.services.records.put("out", [{ key: "k0", data: { old: true }, writer: null }], "insert");
    const outcomes = await run({ expression: "price > 1 ? {'price': price} : price", collection: "out" }, [{ price: 5 }, { price: 1 }]);
    expect(outcomes).toMatchObject([{ result: { price: 5 } }, { code: "not_an_object", error: expect.stringContaining("a number") }]);
    expect((await fixture.services.records.get("out", "k0"))!.data).toEqual({ price: 5 });
    expect(await fixture.services.records.get("out", "k1")).toBeNull();
  });

  it("refuses names no collection can have", () => {
    expect(transform.options.safeParse({ expression: "$", collection: "../x" }).success).toBe(false);
    expect(transform.options.safeParse({ expression: "$", model: "x" }).success).toBe(false);
  });
});
