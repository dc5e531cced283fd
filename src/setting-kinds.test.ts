import { describe, expect, it } from "vitest";
import * as kinds from "./setting-kinds.ts";

const taken = <T>({ schema }: kinds.Setting<T>, text: string): T | "refused" => {
  const parsed = schema.safeParse(text);
  return parsed.success ? parsed.data : "refused";
};

describe("a kind of setting", () => {
  it.each<[string, kinds.Setting<unknown>, Record<string, unknown>]>([
    [
      "a whole number",
      kinds.whole(1, 10, 5),
      { "1": 1, "10": 10, "0": "refused", "11": "refused", "1.5": "refused", "1e1": "refused", "": "refused" },
    ],
    ["a number", kinds.decimal(0, 1, 0.5), { ".25": 0.25, "1.": 1, "1.01": "refused", "-0.1": "refused", NaN: "refused" }],
    ["one of some words", kinds.choice(["a", "b"], "a"), { b: "b", B: "refused" }],
    ["one of some words in capitals", kinds.upperChoice(["FULL"], "FULL"), { full: "FULL", half: "refused" }],
    ["yes or no", kinds.flag(true), { TRUE: true, "1": true, false: false, yes: "refused" }],
    ["words", kinds.words([]), { " a, b ,": ["a", "b"], " , ": "refused" }],
    [
      "origins",
      kinds.origins(),
      {
        "https://A.example:8443": ["https://a.example:8443"],
        "https://a.example/": "refused",
        "ftp://a": "refused",
        "https://a;b": "refused",
      },
    ],
    ["a cron expression", kinds.cron("* * * * *"), { "*/5 * * * *": "*/5 * * * *", "61 * * * *": "refused", soon: "refused" }],
    ["an address", kinds.optionalUrl("redis:"), { "redis://h:6379": "redis://h:6379", "http://h": "refused", redis: "refused" }],
    [
      "where a trace is looked at",
      kinds.traceUrl(),
      { "https://t.example/{traceId}": "https://t.example/{traceId}", "https://t.example/": "refused" },
    ],
    ["a secret", kinds.optionalSecret(4), { abcd: "abcd", abc: "refused", "a bcd": "refused" }],
    ["a text", kinds.optionalText(3), { abc: "abc", abcd: "refused" }],
  ])("%s takes what it says and nothing else", (_name, kind, cases) => {
    for (const [text, expected] of Object.entries(cases)) expect([text, taken(kind, text)]).toEqual([text, expected]);
  });

  it("takes its own default, and says what it allows", () => {
    const all = [kinds.whole(1, 10, 5), kinds.decimal(0, 1, 0.5), kinds.choice(["a"], "a"), kinds.flag(false), kinds.cron("* * * * *")];
    for (const { schema, fallback, allowed } of all) {
      expect(schema.parse(String(fallback))).toEqual(fallback);
      expect(allowed).toMatch(/^allowed: /);
    }
  });

  it("keeps to itself what is secret: keys, and addresses that may hold a password", () => {
    expect([kinds.optionalSecret(4), kinds.optionalUrl("redis:"), kinds.traceUrl()].map(({ secret }) => secret)).toEqual([
      true,
      true,
      false,
    ]);
  });
});
