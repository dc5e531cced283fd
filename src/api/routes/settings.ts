import { DEFAULT_TENANT } from "../../model/tenant.ts";
import { BatchyardError } from "../../model/errors.ts";
import { describedSettings } from "../../settings/described.ts";
import * as contract from "../contract/settings.ts";
import { changeQuery } from "../contract/streams.ts";
import { DETECTIONS } from "../../streams/detections.ts";
import { ok, route, type Outcome, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

const TAG = "Settings";
const PATH = "/api/v1/settings";

/** What can be changed while the server runs. Settings are the server's, so only its own tenant's admins change them. */
export function settingsRoutes({ settings, streams, audit, events, clock }: ApiServices): Route[] {
  const whole = (): Outcome => ok({ ...settings.view(), overridden_by_env: settings.overridden() });

  return [
    route({
      method: "GET",
      path: PATH,
      summary: "Settings by category; secrets are never shown",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.settingsAnswer },
      handle: async () => whole(),
    }),
    route({
      method: "GET",
      path: `${PATH}/table`,
      summary: "Each setting with its description, unit, range, default and where its value comes from",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.settingsTableAnswer },
      handle: async () => ok({ success: true, settings: describedSettings(settings.current()) }),
    }),
    route({
      method: "POST",
      path: `${PATH}/check`,
      summary: "What a PATCH with this body would refuse, without changing anything",
      tag: TAG,
      need: "admin",
      body: contract.settingsPatch,
      answers: { 200: contract.settingsCheckAnswer },
      async handle({ body }) {
        const { paths } = await settings.resulting(body);
        return ok({ success: true, paths });
      },
    }),
    route({
      method: "PATCH",
      path: PATH,
      summary:
        "Change any subset; in force at once, also for what is running, and kept over a restart. Rules of windows may ask for a preview",
      tag: TAG,
      need: "admin",
      query: changeQuery,
      body: contract.settingsPatch,
      answers: { 200: contract.settingsAnswer },
      async handle({ caller, query, body }) {
        if (Object.keys(body).length > 0 && caller.tenant !== DEFAULT_TENANT)
          throw new BatchyardError("forbidden", { role: `admin of the tenant '${DEFAULT_TENANT}'` });
        const act = {
          tenant: caller.tenant,
          actor: caller.actor,
          credential: caller.credential,
          address: caller.address,
          action: "settings_changed",
          target: PATH,
        };
        const { preview, ...why } = query;
        try {
          const { windows } = (await settings.resulting(body)).config;
          await streams.checkPreviewed(
            caller,
            DETECTIONS,
            { windowSeconds: windows.windowSeconds, idleTimeoutSeconds: windows.idleTimeoutSeconds, maxItems: windows.maxDetections },
            { reason: why.reason, guarded: preview === "required" },
          );
          const changes = await settings.change(body);
          if (changes.length === 0) return whole();
          const at = clock.now();
          const side = (which: "from" | "to"): Record<string, unknown> =>
            Object.fromEntries(changes.map((change) => [change.path, change[which]]));
          await audit.append({ ...act, at, before: side("from"), after: { ...side("to"), ...why }, outcome: "SUCCESS" });
          const data = { by: caller.actor, changes };
          await events.append([
            {
              tenant: caller.tenant,
              type: "settings.changed",
              entity: { kind: "settings", id: "settings" },
              severity: "info",
              ts: at,
              data,
            },
          ]);
          return whole();
        } catch (error) {
          if (error instanceof BatchyardError)
            await audit.append({
              ...act,
              at: clock.now(),
              before: null,
              after: { refused: error.code },
              outcome: error.status >= 500 ? "FAILURE" : "BLOCKED",
            });
          throw error;
        }
      },
    }),
  ];
}
