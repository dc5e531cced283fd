import type { Caller } from "../../batches/service.ts";
import { BatchyardError } from "../../model/errors.ts";
import { iso } from "../../model/clock.ts";
import { instantMs, nothing } from "../../model/fields.ts";
import * as contract from "../contract/alerts.ts";
import { created, ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { wireAlert, wireBackTest, wireChannel, wireDelivery, wireNoise, wireRule, wireSilence } from "../wire/alerts.ts";

const TAG = "Alerts";
const BASE = "/api/admin/batch-monitoring";
const MINUTE_MS = 60_000;

/** Rules, alerts, silences, channels. What changes anything leaves a trace, and so does reading, as everywhere in monitoring. */
export function alertRoutes({ alerts, audit, clock }: Pick<ApiServices, "alerts" | "audit" | "clock">): Route[] {
  const trace = (caller: Caller, action: string, target: string, after: unknown = null, before: unknown = null): Promise<void> => {
    const { tenant, actor, credential, address } = caller;
    return audit.append({ tenant, actor, credential, address, at: clock.now(), action, target, before, after, outcome: "SUCCESS" });
  };
  const shared = { tag: TAG, need: "admin", paced: true } as const;

  return [
    route({
      method: "GET",
      path: "/api/system/alerts",
      summary: "How many alerts stand; without a trace, for whoever looks all the time",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.standingAnswer },
      handle: async ({ caller }) => ok({ success: true, alerts: await alerts.counts(caller.tenant) }),
    }),
    route({
      ...shared,
      method: "GET",
      path: `${BASE}/alerts`,
      summary: "Alerts, newest first, and how alerting is set",
      query: contract.alertsQuery,
      answers: { 200: contract.alertsAnswer },
      async handle({ caller, query }) {
        await trace(caller, "batch_monitoring_access", `${BASE}/alerts`, query);
        const { tenant } = caller;
        const open = query.state === "all" ? undefined : query.state === "open";
        const before = query.cursor === undefined ? null : positionOf(query.cursor);
        const page = await alerts.episodes(tenant, { open, before, limit: query.limit + 1 });
        const shown = page.slice(0, query.limit);
        const last = shown.at(-1);
        const states = await alerts.states(tenant);
        return ok({
          success: true,
          data: {
            settings: await alerts.settings(tenant),
            counts: await alerts.counts(tenant),
            alerts: shown.map((episode) => wireAlert(episode, states)),
            pending: states
              .filter(({ state }) => state.phase === "pending")
              .map(({ rule, instance, state }) => ({
                rule,
                instance,
                state: state.phase,
                value: state.value,
                since: iso(state.at - state.heldMs),
              })),
            next: page.length > shown.length && last !== undefined ? cursorOf(last) : null,
          },
        });
      },
    }),
    route({
      ...shared,
      method: "POST",
      path: `${BASE}/alerts`,
      summary: "Set thresholds, who is told, and for how long an alert that comes back is not told again",
      body: contract.alertSettingsBody,
      answers: { 200: contract.alertSettingsAnswer },
      async handle({ caller, body }) {
        const before = await alerts.settings(caller.tenant);
        const data = await alerts.change(caller.tenant, body);
        await trace(caller, "alerts.settings", `${BASE}/alerts`, data, before);
        return ok({ success: true, data });
      },
    }),
    route({
      ...shared,
      method: "POST",
      path: `${BASE}/alerts/:id/ack`,
      summary: "Take an alert on; the first who does counts",
      params: contract.alertParams,
      body: contract.ackBody,
      answers: { 200: contract.ackAnswer },
      async handle({ caller, params, body }) {
        const note = body?.note ?? null;
        const episode = await alerts.acknowledge(caller.tenant, params.id, caller.actor, note);
        await trace(caller, "alert.ack", params.id, { note });
        return ok({ success: true, data: wireAlert(episode, await alerts.states(caller.tenant)) });
      },
    }),
    route({
      ...shared,
      method: "GET",
      path: `${BASE}/silences`,
      summary: "Silences that are not over",
      answers: { 200: contract.silencesAnswer },
      async handle({ caller }) {
        await trace(caller, "batch_monitoring_access", `${BASE}/silences`);
        return ok({ success: true, silences: (await alerts.silences(caller.tenant)).map(wireSilence) });
      },
    }),
    route({
      ...shared,
      method: "POST",
      path: `${BASE}/silences`,
      summary: "Tell nobody of a rule or a thing for a time; what still fires at its end is told then",
      body: contract.silenceBody,
      answers: { 201: contract.silenceAnswer },
      async handle({ caller, body }) {
        const from = body.from === undefined ? clock.now() : instantMs(body.from);
        const until = body.until === undefined ? from + (body.minutes ?? 0) * MINUTE_MS : instantMs(body.until);
        const silence = await alerts.silence(caller.tenant, {
          rule: body.rule ?? null,
          instance: body.instance ?? null,
          from,
          until,
          by: caller.actor,
          comment: body.comment ?? null,
        });
        await trace(caller, "alerts.silence", silence.id, wireSilence(silence));
        return created({ success: true, silence: wireSilence(silence) });
      },
    }),
    route({
      ...shared,
      method: "DELETE",
      path: `${BASE}/silences/:id`,
      summary: "End a silence now",
      params: contract.alertParams,
      answers: { 200: contract.goneAnswer },
      async handle({ caller, params }) {
        await alerts.endSilence(caller.tenant, params.id);
        await trace(caller, "alerts.silence.end", params.id);
        return ok({ success: true });
      },
    }),
    route({
      ...shared,
      method: "GET",
      path: `${BASE}/rules`,
      summary: "Every rule as it is in force",
      answers: { 200: contract.rulesAnswer },
      async handle({ caller }) {
        await trace(caller, "batch_monitoring_access", `${BASE}/rules`);
        const { days, of } = await alerts.noise(caller.tenant);
        const rules = await alerts.rules(caller.tenant);
        return ok({ success: true, rules: rules.map((rule) => ({ ...wireRule(rule), noise: wireNoise(days, of.get(rule.name)) })) });
      },
    }),
    route({
      ...shared,
      method: "POST",
      path: `${BASE}/rules`,
      summary: "Change a rule or add one; says what it would have done over the last 7 days",
      body: contract.ruleRequest,
      answers: { 200: contract.ruleSavedAnswer },
      async handle({ caller, body: { name, ...body } }) {
        const { rule, before } = await alerts.saveRule(caller.tenant, name, body);
        await trace(caller, "alerts.rule", name, wireRule(rule), before === null ? null : wireRule(before));
        return ok({ success: true, rule: wireRule(rule), wouldHave: wireBackTest(await alerts.tryRule(caller.tenant, name, body)) });
      },
    }),
    route({
      ...shared,
      method: "POST",
      path: `${BASE}/rules/preview`,
      summary: "What a rule would have done over the last 7 days; changes nothing",
      body: contract.ruleRequest,
      answers: { 200: contract.ruleTriedAnswer },
      async handle({ caller, body: { name, ...body } }) {
        return ok({ success: true, wouldHave: wireBackTest(await alerts.tryRule(caller.tenant, name, body)) });
      },
    }),
    route({
      ...shared,
      method: "POST",
      path: `${BASE}/rules/recommended`,
      summary: "Turn on every ready-made rule that is on at first; what else was changed of it stays",
      body: nothing,
      answers: { 200: contract.recommendedAnswer },
      async handle({ caller }) {
        const enabled = await alerts.enableRecommended(caller.tenant);
        await trace(caller, "alerts.recommended", `${BASE}/rules/recommended`, enabled);
        return ok({ success: true, enabled });
      },
    }),
    route({
      ...shared,
      method: "DELETE",
      path: `${BASE}/rules/:name`,
      summary: "Remove an added rule, or give a ready-made one back its first values",
      params: contract.ruleParams,
      answers: { 200: contract.goneAnswer },
      async handle({ caller, params }) {
        const before = await alerts.removeRule(caller.tenant, params.name);
        await trace(caller, "alerts.rule.remove", params.name, null, wireRule(before));
        return ok({ success: true });
      },
    }),
    route({
      ...shared,
      method: "GET",
      path: `${BASE}/channels`,
      summary: "Channels, without what is secret in them",
      answers: { 200: contract.channelsAnswer },
      async handle({ caller }) {
        await trace(caller, "batch_monitoring_access", `${BASE}/channels`);
        const deliveries = await alerts.channels.deliveries(caller.tenant);
        const channels = alerts.channels.list(caller.tenant);
        return ok({
          success: true,
          channels: channels.map((channel, i) => ({ ...wireChannel(channel), ...wireDelivery(deliveries[i]!) })),
        });
      },
    }),
    route({
      ...shared,
      method: "PUT",
      path: `${BASE}/channels/:name`,
      summary: "Set up a webhook, a Slack webhook or e-mail addresses",
      params: contract.ruleParams,
      body: contract.channelBody,
      answers: { 200: contract.channelAnswer },
      async handle({ caller, params, body }) {
        const channel = await alerts.channels.save(caller.tenant, params.name, body, clock.now());
        await trace(caller, "alerts.channel", params.name, wireChannel(channel));
        return ok({ success: true, channel: wireChannel(channel) });
      },
    }),
    route({
      ...shared,
      method: "DELETE",
      path: `${BASE}/channels/:name`,
      summary: "Remove a channel that was set up here",
      params: contract.ruleParams,
      answers: { 200: contract.goneAnswer },
      async handle({ caller, params }) {
        await alerts.channels.remove(caller.tenant, params.name);
        await trace(caller, "alerts.channel.remove", params.name);
        return ok({ success: true });
      },
    }),
    route({
      ...shared,
      method: "POST",
      path: `${BASE}/channels/:name/test`,
      summary: "Send a test message now and say whether it arrived",
      params: contract.ruleParams,
      body: nothing,
      answers: { 200: contract.channelTestAnswer },
      async handle({ caller, params }) {
        const error = await alerts.channels.test(caller.tenant, params.name, caller.actor, clock.now());
        await trace(caller, "alerts.channel.test", params.name, { error });
        return ok({ success: error === null, error });
      },
    }),
  ];
}

function cursorOf({ openedAt, id }: { openedAt: number; id: string }): string {
  return `${openedAt}.${id}`;
}

function positionOf(cursor: string): { openedAt: number; id: string } {
  const match = /^(\d{1,15})\.(alert_[a-z0-9]{1,64})$/.exec(cursor);
  if (match?.[1] === undefined || match[2] === undefined) throw new BatchyardError("invalid_cursor");
  return { openedAt: Number(match[1]), id: match[2] };
}
