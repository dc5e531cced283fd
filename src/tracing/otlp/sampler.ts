import { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler, type Sampler } from "@opentelemetry/sdk-trace";
import type { OtelVariables } from "../wanted.ts";

const DEFAULT = "parentbased_always_on";

/** As OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say; `fault` = they say nothing that is known here, and the default is used. */
export function samplerOf(otel: OtelVariables): { sampler: Sampler; fault: string | null } {
  const name = (otel["OTEL_TRACES_SAMPLER"] ?? "").trim().toLowerCase() || DEFAULT;
  const share = Number((otel["OTEL_TRACES_SAMPLER_ARG"] ?? "").trim() || 1);
  const ratio = (): Sampler => new TraceIdRatioBasedSampler(share);
  const roots: Record<string, () => Sampler> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: ratio,
  };
  const root = roots[name.replace(/^parentbased_/, "")];
  if (root === undefined) {
    const known = Object.keys(roots).flatMap((each) => [each, `parentbased_${each}`]);
    return {
      sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
      fault: `OTEL_TRACES_SAMPLER is '${name}'; ${DEFAULT} is used. Possible: ${known.join(", ")}`,
    };
  }
  if (name.endsWith("traceidratio") && !(share >= 0 && share <= 1)) {
    return {
      sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
      fault: `OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1; ${DEFAULT} is used`,
    };
  }
  return { sampler: name.startsWith("parentbased_") ? new ParentBasedSampler({ root: root() }) : root(), fault: null };
}
