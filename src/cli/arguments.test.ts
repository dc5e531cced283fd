import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { instant, jsonObject, wholeNumber } from "./arguments.ts";

describe("arguments", () => {
  it("take whole numbers within bounds", () => {
    expect(wholeNumber(1, 10)("10")).toBe(10);
    for (const wrong of ["0", "11", "1.5", "-1", "", "1e3", "ten"]) expect(() => wholeNumber(1, 10)(wrong)).toThrow(InvalidArgumentError);
  });

  it("take JSON objects", () => {
    expect(jsonObject('{"a":1}')).toEqual({ a: 1 });
    for (const wrong of ["[1]", "null", "{", "1"]) expect(() => jsonObject(wrong)).toThrow(InvalidArgumentError);
  });

  it("take times and spans from now", () => {
    expect(instant("past")("2026-01-31T12:00:00Z")).toBe("2026-01-31T12:00:00.000Z");
    const before = Date.now();
    const hourAgo = Date.parse(instant("past")("1h"));
    expect(hourAgo).toBeGreaterThanOrEqual(before - 3_600_000);
    expect(hourAgo).toBeLessThanOrEqual(Date.now() - 3_600_000);
    expect(Date.parse(instant("future")("2d"))).toBeGreaterThan(before);
    for (const wrong of ["yesterday", "1y", "h", "12"]) expect(() => instant("past")(wrong)).toThrow(InvalidArgumentError);
  });
});
