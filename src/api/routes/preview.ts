import { BatchyardError } from "../../model/errors.ts";
import { instantMs } from "../../model/fields.ts";
import { DETECTIONS } from "../../streams/detections.ts";
import type { PreviewRequest } from "../../streams/preview/impact.ts";
import * as contract from "../contract/preview.ts";
import { streamParams } from "../contract/streams.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { wireChange, wirePreview } from "../wire/preview.ts";

/** Rules of `detections` that the settings decide: setting of `batch` → field of the definition. */
const FIELD_OF: Readonly<Record<string, string>> = {
  window_seconds: "windowSeconds",
  idle_timeout_seconds: "idleTimeoutSeconds",
  check_interval_seconds: "checkIntervalSeconds",
  max_detections: "maxItems",
};
const SETTING_OF = Object.fromEntries(Object.entries(FIELD_OF).map(([setting, field]) => [field, setting]));
/** Of a range that says no number of steps. */
const STEPS = 10;

interface Sweep {
  setting: string;
  values?: number[] | undefined;
  from?: number | undefined;
  to?: number | undefined;
  steps?: number | undefined;
}

/** What changed rules would have done to the arrivals that were recorded. Nothing is changed by asking. */
export function previewRoutes({ streams, settings }: Pick<ApiServices, "streams" | "settings">): Route[] {
  /** What PATCH would refuse is refused here. */
  const checkSettings = async (changes: Readonly<Record<string, unknown>>): Promise<void> => {
    const batch = Object.entries(changes).flatMap(([field, value]) =>
      SETTING_OF[field] === undefined ? [] : [[SETTING_OF[field], value]],
    );
    if (batch.length > 0) await settings.resulting({ batch: Object.fromEntries(batch) as Record<string, unknown> });
  };

  return [
    route({
      method: "POST",
      path: "/api/streams/:name/preview",
      summary: "What other rules would have done to the recorded arrivals",
      tag: "Streams",
      need: "operator",
      params: streamParams,
      body: contract.previewBody,
      answers: { 200: contract.previewAnswer },
      async handle({ caller, params, body }) {
        const { since, sweep, ...changes } = body;
        const request = requestOf(changes, since, sweep, sweep?.setting ?? "");
        streams.get(caller, params.name);
        if (params.name === DETECTIONS) for (const each of variants(request)) await checkSettings(each);
        const answer = await streams.preview(caller, params.name, request);
        return ok(wirePreview(answer, { sweepSetting: sweep?.setting ?? null, unaffected: [] }));
      },
    }),
    route({
      method: "GET",
      path: "/api/streams/:name/preview/history",
      summary: "Changes of the rules, newest first: what was expected of each, and what it did within a day",
      tag: "Streams",
      need: "viewer",
      params: streamParams,
      answers: { 200: contract.previewHistoryAnswer },
      async handle({ caller, params }) {
        const changes = await streams.previewHistory(caller, params.name);
        return ok({ success: true, stream: params.name, changes: changes.map(wireChange) });
      },
    }),
    route({
      method: "POST",
      path: "/api/v1/settings/preview",
      summary: "What changed settings would have done to the recorded detections",
      tag: "Settings",
      need: "operator",
      body: contract.settingsPreviewBody,
      answers: { 200: contract.previewAnswer },
      async handle({ caller, body }) {
        const { since, sweep, ...patch } = body;
        const { config, paths } = await settings.resulting(patch);
        const [now, then] = [settings.current().windows, config.windows];
        if (JSON.stringify(now.fastPath) !== JSON.stringify(then.fastPath))
          throw notPreviewable(paths.find((path) => path.startsWith("fast_path")) ?? "fast_path");
        const field = sweep === undefined ? "" : fieldOf(sweep.setting);
        const changes = { windowSeconds: then.windowSeconds, idleTimeoutSeconds: then.idleTimeoutSeconds, maxItems: then.maxDetections };
        const request = requestOf(changes, since, sweep, field);
        for (const value of request.sweep?.values ?? []) {
          const at = (patch["batch"] ?? {}) as Record<string, unknown>;
          await settings.resulting({ ...patch, batch: { ...at, [SETTING_OF[field]!]: value } });
        }
        const answer = await streams.preview(caller, DETECTIONS, request);
        const unaffected = paths.filter(
          (path) => FIELD_OF[path.replace("batch.", "")] === undefined || path === "batch.check_interval_seconds",
        );
        return ok(wirePreview(answer, { sweepSetting: sweep?.setting ?? null, unaffected }));
      },
    }),
  ];
}

function requestOf(changes: Record<string, unknown>, since: string | undefined, sweep: Sweep | undefined, field: string): PreviewRequest {
  return {
    changes,
    since: since === undefined ? null : instantMs(since),
    sweep: sweep === undefined ? null : { field, values: valuesOf(sweep, field) },
  };
}

/** The changes as they are, and with each value of the sweep. */
function variants({ changes, sweep }: PreviewRequest): Readonly<Record<string, unknown>>[] {
  return [changes, ...(sweep?.values ?? []).map((value) => ({ ...changes, [sweep!.field]: value }))];
}

/** From `from` to `to` in equal steps; whole numbers where times may be parts of seconds but counts may not. */
function valuesOf({ values, from = 0, to = 0, steps = STEPS }: Sweep, field: string): number[] {
  if (values !== undefined) return values;
  const exact = Array.from({ length: steps }, (_, i) => from + ((to - from) * i) / (steps - 1));
  return [...new Set(exact.map((value) => (field.endsWith("Seconds") ? Math.round(value * 1_000) / 1_000 : Math.round(value))))];
}

function fieldOf(setting: string): string {
  const field = setting.startsWith("batch.") ? FIELD_OF[setting.slice("batch.".length)] : undefined;
  if (field === undefined) throw notPreviewable("sweep.setting");
  return field;
}

function notPreviewable(path: string): BatchyardError {
  const possible = Object.keys(FIELD_OF).map((setting) => `batch.${setting}`);
  const message = `cannot be tried on recorded arrivals, which have no payload; possible: ${possible.join(", ")}`;
  return new BatchyardError(
    "settings_invalid",
    { summary: `${path}: ${message}` },
    { errors: [{ path, message, code: "not_previewable" }] },
  );
}
