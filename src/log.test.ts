import { describe, expect, it } from "vitest";
import { CENSORED, createLog } from "./log.ts";

const CANARY = "canary-7f3a9c-secret";

function logged(write: (log: ReturnType<typeof createLog>) => void, secrets: readonly string[] = []): string {
  let text = "";
  write(createLog("debug", secrets, { write: (line) => void (text += line) }));
  for (const line of text.trimEnd().split("\n")) JSON.parse(line);
  return text;
}

describe("the log", () => {
  it.each([
    { token: CANARY },
    { password: CANARY },
    { request: { headers: { authorization: CANARY, "x-api-key": CANARY, "set-cookie": [CANARY, CANARY] } } },
    { a: { b: { c: { d: { client_secret: CANARY } } } } },
    { providers: [{ apiKey: CANARY }, { openaiApiKey: CANARY, accessToken: CANARY }] },
    { secret: `with "quotes" and \\ ${CANARY}` },
  ])("keeps back what is secret by its name, however deep: %j", (fields) => {
    const text = logged((log) => log.info(fields, "said"));
    expect(text).not.toContain("canary");
    expect(text).toContain(CENSORED);
    expect(text).toContain('"msg":"said"');
  });

  it.each([
    `by_${"aB3-_".repeat(6)}`,
    `sk-proj-${"x9".repeat(20)}`,
    `Bearer ${"t".repeat(30)}`,
    "https://user:hunter2hunter2@example.test/hook",
    "postgres://batchyard:hunter2hunter2@db/batchyard",
    `whsec_${"A".repeat(32)}`,
  ])("keeps back what looks like a key, in texts and in errors: %s", (secret) => {
    const hidden = secret.replace(/^Bearer /, "").replace(/^.*:(hunter2\w*)@.*$/, "$1");
    const text = logged((log) => {
      log.warn(`refused: ${secret}`);
      log.error(new Error(`could not reach ${secret}`, { cause: new Error(secret) }));
    });
    expect(text).not.toContain(hidden);
    expect(text).toContain(CENSORED);
  });

  it("keeps back the secrets it was given, wherever they stand", () => {
    const own = 'pa"ss\\word-7f3a';
    const text = logged((log) => log.info({ said: `x ${own} y`, list: [own], [`key ${own}`]: 1 }, own), [own, "short"]);
    expect(text).not.toContain("word-7f3a");
    expect(text).not.toContain("ss\\\\word");
  });

  it("leaves alone what is none", () => {
    const fields = {
      tokens: 12,
      path: "/api/batch/batch_1767225600000_a1b2c3d4e",
      key: "camera-1",
      url: "http://127.0.0.1:8377",
      short: "a short b",
    };
    expect(JSON.parse(logged((log) => log.info(fields, "by the way"), ["short"]))).toMatchObject({ ...fields, msg: "by the way" });
  });
});
