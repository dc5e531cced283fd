import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { profileOf } from "./profiles.ts";

const folder = mkdtempSync(join(tmpdir(), "batchyard-profiles-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(content: unknown, mode = 0o600): string {
  const path = join(folder, "profiles.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return path;
}

describe("profileOf", () => {
  const prod = { url: "https://yard.example.com", token: "by_0123456789abcdef", readOnly: true };

  it("is the server of that name, with its key and whether it is only looked at", () => {
    expect(profileOf("prod", file({ prod, local: { url: "http://127.0.0.1:8377" } }))).toEqual(prod);
    expect(profileOf("local", file({ local: { url: "http://127.0.0.1:8377" } }, 0o644))).toEqual({ url: "http://127.0.0.1:8377" });
  });

  it.each([
    ["prod", { local: { url: "http://x" }, dev: { url: "http://y" } }, /no profile 'prod' in .*; it has dev, local$/],
    ["constructor", { local: { url: "http://x" } }, /no profile 'constructor'/],
    ["prod", "{", /no JSON object; it is to be like \{/],
    ["prod", [], /no JSON object/],
    ["prod", { prod: { token: "t" } }, /'prod' has no url/],
    ["prod", { prod: { ...prod, readOnly: "yes" } }, /'prod\.readOnly' is no boolean/],
    ["prod", { prod: { ...prod, tokn: "x" } }, /'prod\.tokn' means nothing/],
  ])("says of %s in %j what is wrong", (name, content, said) => {
    expect(() => profileOf(name, file(content))).toThrow(said);
  });

  it("refuses a file with keys that others can read, and says what to do without a file", () => {
    expect(() => profileOf("prod", file({ prod }, 0o640))).toThrow(/run: chmod 600 .*profiles\.json$/);
    expect(() => profileOf("prod", join(folder, "nowhere.json"))).toThrow(/no profile 'prod': write \{.* into .*nowhere\.json/);
  });
});
