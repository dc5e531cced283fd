import { describe, expect, it } from "vitest";
import { samplerOf } from "./otlp/sampler.ts";
import { wantedTracing } from "./wanted.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

describe("what OTEL_* ask for", () => {
  it.each([
    ["nothing", {}, null],
    ["an endpoint", ENDPOINT, "otlp-protobuf"],
    ["an endpoint for traces", { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector:4318/v1/traces" }, "otlp-protobuf"],
    ["the exporter by its name", { OTEL_TRACES_EXPORTER: "otlp" }, "otlp-protobuf"],
    ["JSON", { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }, "otlp-json"],
    ["JSON for traces", { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" }, "otlp-json"],
    ["the console", { OTEL_TRACES_EXPORTER: "console" }, "console"],
    ["no traces", { ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" }, null],
    ["no SDK", { ...ENDPOINT, OTEL_SDK_DISABLED: "true" }, null],
    ["only a sampler", { OTEL_TRACES_SAMPLER: "always_on" }, null],
  ])("%s", (_, otel, exporter) => {
    expect(wantedTracing(otel as Record<string, string>)).toEqual({ exporter, refused: null });
  });

  it("what is not done here is refused, with what is", () => {
    expect(wantedTracing({ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toMatchObject({
      exporter: null,
      refused: expect.stringContaining("http/protobuf") as string,
    });
    expect(wantedTracing({ OTEL_TRACES_EXPORTER: "zipkin" })).toMatchObject({
      exporter: null,
      refused: expect.stringContaining("otlp") as string,
    });
  });
});

describe("OTEL_TRACES_SAMPLER", () => {
  it.each([
    [{}, /^ParentBased\{root=AlwaysOnSampler/],
    [{ OTEL_TRACES_SAMPLER: "always_off" }, /^AlwaysOffSampler/],
    [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" }, /^TraceIdRatioBased\{0\.25\}/],
    [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.5" }, /^ParentBased\{root=TraceIdRatioBased\{0\.5\}/],
  ])("%j", (otel, named) => {
    const { sampler, fault } = samplerOf(otel);
    expect(sampler.toString()).toMatch(named);
    expect(fault).toBeNull();
  });

  it.each([[{ OTEL_TRACES_SAMPLER: "jaeger_remote" }], [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" }]])(
    "%j is told of, and the default is used",
    (otel) => {
      const { sampler, fault } = samplerOf(otel);
      expect(sampler.toString()).toMatch(/^ParentBased\{root=AlwaysOnSampler/);
      expect(fault).toContain("parentbased_always_on");
    },
  );
});
