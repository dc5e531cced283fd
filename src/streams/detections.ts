import { BatchyardError, invalid } from "../model/errors.ts";
import { parsedDefinition, streamDefinition, type StreamDefinition } from "./definition.ts";

/** The name of the stream that every tenant has from the start. */
export const DETECTIONS = "detections";

/** The settings that the windows of `detections` follow while they are open. */
export interface WindowSettings {
  readonly windowSeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly checkIntervalSeconds: number;
  readonly maxDetections: number;
  readonly fastPath: { readonly confidenceThreshold: number; readonly objectTypes: readonly string[] };
}

/** Fields of the definition that the settings decide, and the setting that does. */
const SETTING_OF: Readonly<Record<string, string>> = {
  windowSeconds: "BATCH_WINDOW_SECONDS",
  idleTimeoutSeconds: "BATCH_IDLE_TIMEOUT_SECONDS",
  checkIntervalSeconds: "BATCH_CHECK_INTERVAL_SECONDS",
  maxItems: "BATCH_MAX_DETECTIONS",
  fastPath: "FAST_PATH_CONFIDENCE_THRESHOLD and FAST_PATH_OBJECT_TYPES",
};

/** What may be changed by PUT: the rest is what makes it the stream of detections. */
const OWN_FIELDS = ["operation", "options", "maxBytes", "minItems", "maxWaitSeconds", "schedule", "overflow", "maxOpen"] as const;

/** Detections of cameras: a window a camera. Throws a ZodError when what was changed does not fit the settings. */
export function detections(settings: WindowSettings, changed: Record<string, unknown>): StreamDefinition {
  return streamDefinition.parse(detectionsInput(settings, changed));
}

function detectionsInput(settings: WindowSettings, changed: Record<string, unknown>): Record<string, unknown> {
  return {
    operation: "analyze",
    ...changed,
    keyField: "camera_id",
    idField: "detection_id",
    numericIds: true,
    eventPrefix: "detection",
    windowSeconds: settings.windowSeconds,
    idleTimeoutSeconds: settings.idleTimeoutSeconds,
    checkIntervalSeconds: settings.checkIntervalSeconds,
    maxItems: settings.maxDetections,
    fastPath: {
      field: "confidence",
      threshold: settings.fastPath.confidenceThreshold,
      typeField: "label",
      types: [...settings.fastPath.objectTypes],
    },
  };
}

/** What a PUT of detections asks for, and what of it is kept. Throws ready_made_stream, validation_failed. */
export function changedDetections(
  settings: WindowSettings,
  given: unknown,
): { definition: StreamDefinition; kept: Record<string, unknown> } {
  const changed = { ...(typeof given === "object" && given !== null ? (given as Record<string, unknown>) : {}) };
  const paused = changed["paused"];
  delete changed["paused"];
  for (const name of Object.keys(changed)) {
    const setting = SETTING_OF[name];
    if (setting === undefined) continue;
    throw new BatchyardError("ready_made_stream", {
      stream: DETECTIONS,
      action: `given its own ${name}`,
      cure: `set ${setting}, or PATCH /api/v1/settings`,
    });
  }
  const unknown = Object.keys(changed).filter((name) => !OWN_FIELDS.some((own) => own === name));
  if (unknown.length > 0)
    throw invalid(
      unknown.map((path) => ({
        path,
        code: "unknown_field",
        message: `is not for ${DETECTIONS}; possible: ${OWN_FIELDS.join(", ")}, paused`,
      })),
    );
  const input = { ...detectionsInput(settings, changed), ...(paused === undefined ? {} : { paused }) };
  return { definition: parsedDefinition(input).definition, kept: changed };
}
