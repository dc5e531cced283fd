import { streamDefinition, type StreamDefinition } from "./definition.ts";

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
export const SETTING_OF: Readonly<Record<string, string>> = {
  windowSeconds: "BATCH_WINDOW_SECONDS",
  idleTimeoutSeconds: "BATCH_IDLE_TIMEOUT_SECONDS",
  checkIntervalSeconds: "BATCH_CHECK_INTERVAL_SECONDS",
  maxItems: "BATCH_MAX_DETECTIONS",
  fastPath: "FAST_PATH_CONFIDENCE_THRESHOLD and FAST_PATH_OBJECT_TYPES",
};

/** What may be changed by PUT: the rest is what makes it the stream of detections. */
export const OWN_FIELDS = ["operation", "options", "maxBytes", "minItems", "maxWaitSeconds", "schedule", "overflow", "maxOpen"] as const;

/** Detections of cameras: a window a camera. Throws a ZodError when what was changed does not fit the settings. */
export function detections(settings: WindowSettings, changed: Record<string, unknown>): StreamDefinition {
  return streamDefinition.parse(detectionsInput(settings, changed));
}

export function detectionsInput(settings: WindowSettings, changed: Record<string, unknown>): Record<string, unknown> {
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
