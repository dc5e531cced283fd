import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify, fingerprint, oneParagraph, OperationError } from "./failure.ts";
import { BatchyardError } from "./errors.ts";

const NOW = Date.UTC(2026, 0, 1);

function withFields(message: string, fields: Record<string, unknown>): Error {
  return Object.assign(new Error(message), fields);
}

describe("classify", () => {
  it("lets the error's own category and code win over its status", () => {
    const error = withFields("no", { status: 500, category: "data", code: "bad_row" });
    expect(classify(error, NOW)).toEqual({ error: "no", code: "bad_row", category: "data", retryAfterMs: null });
  });

  it.each([
    [429, "rate_limit"],
    [408, "transient"],
    [409, "transient"],
    [425, "transient"],
    [500, "transient"],
    [503, "transient"],
    [401, "configuration"],
    [403, "configuration"],
    [400, "permanent"],
    [404, "permanent"],
    [422, "permanent"],
  ])("status %i is %s", (status, category) => {
    expect(classify(withFields("x", { status }), NOW)).toMatchObject({ code: `http_${status}`, category });
    expect(classify(withFields("x", { statusCode: status }), NOW)).toMatchObject({ category });
    expect(classify(withFields("x", { response: { status } }), NOW)).toMatchObject({ category });
  });

  it("reads Retry-After as seconds, as a date, and in milliseconds", () => {
    const wait = (headers: unknown) => classify(withFields("slow down", { status: 429, headers }), NOW).retryAfterMs;
    expect(wait({ "Retry-After": "12" })).toBe(12_000);
    expect(wait(new Headers({ "retry-after": new Date(NOW + 90_000).toUTCString() }))).toBe(90_000);
    expect(wait(new Headers({ "retry-after-ms": "250" }))).toBe(250);
    expect(wait({ "retry-after": new Date(NOW - 5000).toUTCString() })).toBe(0);
    expect(wait({ "retry-after": "999999999" })).toBe(86_400_000);
    expect(wait({ "retry-after": "soon" })).toBeNull();
    expect(wait(undefined)).toBeNull();
  });

  it.each(["ECONNRESET", "ETIMEDOUT", "ECONNREFUSED", "EPIPE", "EAI_AGAIN", "UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT"])(
    "%s is transient",
    (code) => {
      expect(classify(withFields("net", { code }))).toMatchObject({ code, category: "transient" });
    },
  );

  it.each(["ENOMEM", "EMFILE", "ENOSPC"])("%s is a matter of resources", (code) => {
    expect(classify(withFields("full", { code }))).toMatchObject({ code, category: "resource" });
  });

  it("finds the reason of a failed fetch along its causes", () => {
    const error = new TypeError("fetch failed", { cause: withFields("connect ECONNREFUSED 10.0.0.1:80", { code: "ECONNREFUSED" }) });
    expect(classify(error)).toMatchObject({
      code: "ECONNREFUSED",
      category: "transient",
      error: "fetch failed: connect ECONNREFUSED 10.0.0.1:80",
    });
  });

  it("does not follow a circle of causes", () => {
    const error = new Error("round");
    error.cause = error;
    expect(classify(error)).toMatchObject({ code: "handler_error", error: "round" });
  });

  it("names aborts and timeouts", () => {
    for (const error of [new DOMException("The operation was aborted", "AbortError"), new DOMException("late", "TimeoutError")]) {
      expect(classify(error)).toMatchObject({ code: "timeout", category: "transient" });
    }
    expect(classify(AbortSignal.abort().reason)).toMatchObject({ code: "timeout" });
  });

  it("retries what it does not know", () => {
    for (const error of [
      new TypeError("x is not a function"),
      new SyntaxError("Unexpected token"),
      new RangeError("r"),
      new Error("Timeout"),
    ]) {
      expect(classify(error)).toEqual({ error: error.message, code: "handler_error", category: "transient", retryAfterMs: null });
    }
  });

  it("carries what an OperationError knows", () => {
    const error = new OperationError("2 checks failed", {
      code: "schema_invalid",
      category: "data",
      result: { valid: false },
      qualityScore: 0.5,
    });
    expect(classify(error)).toEqual({
      error: "2 checks failed",
      code: "schema_invalid",
      category: "data",
      retryAfterMs: null,
      result: { valid: false },
      qualityScore: 0.5,
    });
    const plain = withFields("2 checks failed", { code: "schema_invalid", category: "data", result: { valid: false }, qualityScore: 0.5 });
    expect(classify(plain)).toEqual(classify(error));
    expect(classify(withFields("x", { result: 1, qualityScore: 0.5 }))).not.toHaveProperty("result");
    expect(classify(new OperationError("no"))).toMatchObject({ code: "operation_failed", category: "permanent" });
    expect(classify(new OperationError("wait", { category: "rate_limit", retryAfterMs: 1500 }))).toMatchObject({ retryAfterMs: 1500 });
  });

  it("classes our own errors by their status and keeps their code", () => {
    expect(classify(new BatchyardError("record_not_found"))).toMatchObject({ code: "record_not_found", category: "permanent" });
    expect(classify(new BatchyardError("storage_full", { reason: "disk" }))).toMatchObject({ code: "storage_full", category: "transient" });
  });

  it("takes anything that can be thrown", () => {
    expect(classify(null).error).toBe("The handler failed without saying why");
    expect(classify(undefined).error).toBe("The handler failed without saying why");
    expect(classify("Timeout").error).toBe("Timeout");
    expect(classify(42).error).toBe("42");
    expect(classify({ message: "plain" }).error).toBe("plain");
    expect(classify(Symbol("s")).code).toBe("handler_error");
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("trap");
        },
      },
    );
    expect(classify(hostile).code).toBe("handler_error");
    const huge = classify(new Error("ä".repeat(5_000_000)));
    expect(Buffer.byteLength(huge.error)).toBeLessThanOrEqual(8192);
    expect(huge.error.endsWith("…")).toBe(true);
  });

  it("never throws, whatever is thrown at it", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (thrown) => {
        const failure = classify(thrown, NOW);
        expect(Buffer.byteLength(failure.error)).toBeLessThanOrEqual(8192);
        expect(failure.error).not.toMatch(/[\n\r]/);
        expect(failure.code).toMatch(/^[A-Za-z0-9_.:-]{1,64}$/);
      }),
    );
  });
});

describe("oneParagraph", () => {
  it("turns line breaks and terminal escapes into spaces", () => {
    expect(oneParagraph("a\r\n  b\u001b[31mred\u0000")).toBe("a b [31mred");
  });

  it("cuts at the border of a character", () => {
    fc.assert(
      fc.property(fc.integer({ min: 8180, max: 8200 }), fc.constantFrom("é", "€", "😀"), (length, tail) => {
        const cut = oneParagraph("x".repeat(length) + tail.repeat(20));
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(8192);
        expect(cut).not.toContain("\ufffd");
      }),
    );
  });
});

describe("fingerprint", () => {
  const same = (a: string, b: string) => fingerprint("c", a).fingerprint === fingerprint("c", b).fingerprint;

  it("keeps different sentences apart", () => {
    expect(same("Timeout", "Invalid response")).toBe(false);
    expect(fingerprint("a", "Timeout").fingerprint).not.toBe(fingerprint("b", "Timeout").fingerprint);
  });

  it.each([
    ["Row 17 is bad", "Row 90210 is bad"],
    ["Timeout after 1.5 s", "Timeout after 30 s"],
    ["no user 0b2f1c66-3c5b-4d0c-9a55-1f2d3c4b5a69", "no user 7a1de1e2-aaaa-4d0c-9a55-1f2d3c4b5a69"],
    ["GET https://api.example/x?id=1 failed", "GET http://other.example/y failed"],
    ["field 'name' is missing", "field 'price' is missing"],
    ['value "a b" is wrong', 'value "c\'d" is wrong'],
    ["at 2026-01-02T03:04:05.678Z: closed", "at 2025-12-31 23:59:59+01:00: closed"],
    ["object 507f1f77bcf86cd799439011 gone", "object 65a1b2c3d4e5f60718293a4b gone"],
  ])("groups %j with %j", (a, b) => {
    expect(same(a, b)).toBe(true);
  });

  it("does not take apostrophes for quotes", () => {
    expect(fingerprint("c", "can't read the users' list, don't retry").pattern).toBe("can't read the users' list, don't retry");
  });

  it("is stable", () => {
    expect(fingerprint("handler_error", "Timeout")).toEqual({ fingerprint: "a68b5cebeebf", pattern: "Timeout" });
    expect(fingerprint("c", "x".repeat(10_000_000)).pattern).toHaveLength(300);
  });
});
