import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Clock } from "./model/clock.ts";
import type { Fault } from "./model/errors.ts";
import { DEFAULT_TENANT } from "./model/tenant.ts";
import { Alerts } from "./monitor/alerts/alerts.ts";
import type { LiveFacts } from "./monitor/alerts/readings.ts";
import { StatisticsBroadcast } from "./monitor/broadcast.ts";
import { Channels } from "./monitor/notify/channels.ts";
import { Courier } from "./monitor/notify/courier.ts";
import { LogNotifier } from "./monitor/notify/log.ts";
import type { Notifier } from "./monitor/notify/port.ts";
import { RequestWebhookNotifier } from "./monitor/notify/request-webhook.ts";
import { Targets } from "./monitor/notify/target.ts";
import { WebhookNotifier } from "./monitor/notify/webhook.ts";
import { channelOf, type OpenAiWebhook } from "./openai/webhooks.ts";
import { isWebhookChannel } from "./requests/webhook-channel.ts";
import type { Settings } from "./settings/settings.ts";
import type { Store } from "./store/port.ts";
import type { YardParts } from "./yard.ts";

interface NoticeParts {
  config: Config;
  store: Store;
  settings: Settings;
  clock: Clock;
  log: Logger;
  /** Channels of the config by name. */
  declared: YardParts["channels"];
  /** In place of the system's name servers. */
  resolve: YardParts["resolve"];
  /** Of OpenAI clients. */
  webhooks: readonly OpenAiWebhook[];
  live(tenant: string): Promise<LiveFacts>;
  slots(): number;
  failed(error: unknown): void;
}

/** What people and programs outside are told, and when: alerts, ends of batches, webhooks, statistics. */
export interface Notices {
  readonly channels: Channels;
  readonly alerts: Alerts;
  /** Null: results of requests may be sent there. */
  refusesWebhook(url: string): Fault | null;
  /** Without `alerting` what others have left to be told is told, and no more. */
  start(alerting: boolean): void;
  stop(): Promise<void>;
}

export async function createNotices(parts: NoticeParts): Promise<Notices> {
  const { config, store, clock, failed } = parts;
  const targets = new Targets(config.webhooks.hosts, parts.resolve);
  const channels = new Channels({
    store: store.channels,
    outbox: store.outbox,
    targets,
    mail: config.mail,
    log: new LogNotifier(parts.log),
    declared: parts.declared ?? {},
  });
  await channels.load();
  const addresses = new Map(
    parts.webhooks.map((webhook) => [channelOf(webhook), new WebhookNotifier({ ...webhook, bare: true }, targets)]),
  );
  const { secret } = config.webhooks;
  const requestWebhook = secret === null ? undefined : new RequestWebhookNotifier({ targets, secret });
  const receiverOf = (tenant: string, name: string): Notifier | undefined =>
    addresses.get(name) ?? (isWebhookChannel(name) ? requestWebhook : channels.find(tenant, name));
  const courier = new Courier({
    outbox: store.outbox,
    receivers: {
      get: receiverOf,
      off: (tenant, name) => channels.offReason(tenant, name),
      gone: (tenant, name, reason, now) => channels.gone(tenant, name, reason, now),
    },
    clock,
    failed,
  });
  const alerts = new Alerts({
    store: store.alerts,
    monitor: store.monitor,
    clock,
    home: DEFAULT_TENANT,
    channels,
    settings: parts.settings,
    live: (tenant) => parts.live(tenant),
    isReceiver: (tenant, channel) => receiverOf(tenant, channel) !== undefined,
    told: () => courier.wake(),
    failed,
  });
  const broadcast = new StatisticsBroadcast({
    store,
    clock,
    tenants: async () => [...new Set([DEFAULT_TENANT, ...(await store.alerts.tenants())])],
    slots: () => parts.slots(),
    failed,
  });
  return {
    channels,
    alerts,
    refusesWebhook: (url) => webhookFault(url, { targets, isSigned: secret !== null }),
    start(alerting) {
      courier.start();
      if (!alerting) return;
      alerts.start();
      broadcast.start();
    },
    async stop() {
      await alerts.stop();
      await broadcast.stop();
      await courier.stop();
      await targets.close();
    },
  };
}

function webhookFault(url: string, { targets, isSigned }: { targets: Targets; isSigned: boolean }): Fault | null {
  if (!isSigned) {
    const message = "cannot be signed: the server has no BATCHYARD_WEBHOOK_SECRET; ask for the result, or set one";
    return { path: "webhook", message, code: "not_supported" };
  }
  const reason = targets.refusal(url);
  return reason === null ? null : { path: "webhook", message: `is not allowed as a target: ${reason}`, code: "address_not_allowed" };
}
