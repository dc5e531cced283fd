/** The OTEL_* variables as they are set. */
export type OtelVariables = Readonly<Record<string, string>>;

/** What the environment asks for; `refused` = it asks for something that is not done here, one sentence. */
export interface WantedTracing {
  exporter: "otlp-protobuf" | "otlp-json" | "console" | null;
  refused: string | null;
}

const NONE: WantedTracing = { exporter: null, refused: null };

/**
 * By the names of the OpenTelemetry specification. Traces are sent when an exporter or an endpoint is named; the defaults of the
 * specification alone (an exporter to localhost) do not make a server talk.
 */
export function wantedTracing(otel: OtelVariables): WantedTracing {
  const value = (name: string): string => (otel[name] ?? "").trim();
  if (value("OTEL_SDK_DISABLED").toLowerCase() === "true") return NONE;
  const hasEndpoint = value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") !== "" || value("OTEL_EXPORTER_OTLP_ENDPOINT") !== "";
  const named = value("OTEL_TRACES_EXPORTER").toLowerCase();
  if (named === "none" || (named === "" && !hasEndpoint)) return NONE;
  if (named === "console") return { exporter: "console", refused: null };
  if (named !== "" && named !== "otlp")
    return { exporter: null, refused: `OTEL_TRACES_EXPORTER is '${named}'; no traces are sent. Possible: otlp, console, none` };
  const protocol = (value("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") || value("OTEL_EXPORTER_OTLP_PROTOCOL") || "http/protobuf").toLowerCase();
  if (protocol === "http/protobuf") return { exporter: "otlp-protobuf", refused: null };
  if (protocol === "http/json") return { exporter: "otlp-json", refused: null };
  return {
    exporter: null,
    refused: `OTEL_EXPORTER_OTLP_PROTOCOL is '${protocol}'; no traces are sent. Possible: http/protobuf, http/json (port 4318 of a collector)`,
  };
}
