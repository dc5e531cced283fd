import { describe, expect, it } from "vitest";
import { channelOf, parseWebhooks } from "./webhooks.ts";

describe("webhooks of a configuration", () => {
  it("are taken when they are whole, and none are none", () => {
    const given = [
      { url: "https://example.org/a", secret: "s" },
      { url: "http://127.0.0.1:1/b", secret: "whsec_YQ==", tenant: "acme" },
    ];
    expect(parseWebhooks(given)).toEqual(given);
    expect(parseWebhooks(undefined)).toEqual([]);
  });

  it.each([
    ["no list", {}, "webhooks is not valid"],
    ["no secret", [{ url: "https://example.org" }], "webhooks.0.secret is not valid"],
    ["an empty secret", [{ url: "https://example.org", secret: "" }], "must not be empty"],
    ["another protocol", [{ url: "ftp://example.org", secret: "s" }], "must be a URL that starts with http:// or https://"],
    ["a misspelt field", [{ url: "https://example.org", secret: "s", tennant: "x" }], "tennant"],
  ])("are refused with %s", (_, given, message) => {
    expect(() => parseWebhooks(given)).toThrow(message);
  });

  it("keep their channel whatever else is configured, each tenant its own", () => {
    const url = "https://example.org/a";
    expect(channelOf({ url, secret: "s" })).toBe(channelOf({ url, secret: "another", tenant: "default" }));
    expect(channelOf({ url, secret: "s" })).not.toBe(channelOf({ url, secret: "s", tenant: "acme" }));
  });
});
