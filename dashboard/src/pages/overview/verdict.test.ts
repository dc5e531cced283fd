import { expect, it } from "vitest";
import { verdictOf } from "./verdict.ts";

it.each([
  ["Healthy: nothing waits, runs, or has ended lately.", "Nothing waits, runs, or has ended lately", ""],
  ["Warning: 22 % of the items fail. 63 % of 0.083 s is the handler.", "22 % of the items fail", "63 % of 0.083 s is the handler."],
])("%s", (text, first, rest) => expect(verdictOf(text)).toEqual({ first, rest }));
