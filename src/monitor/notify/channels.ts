import { z } from "zod";
import { BatchyardError } from "../../model/errors.ts";
import { text } from "../../model/fields.ts";
import { newId } from "../../model/ids.ts";
import type { AlertStore, ChannelDelivery } from "../../store/alerts.ts";
import { EmailNotifier, type MailServer } from "./email.ts";
import type { Notifier } from "./port.ts";
import { SlackNotifier } from "./slack.ts";
import type { Targets } from "./target.ts";
import { WebhookNotifier } from "./webhook.ts";

const mailbox = z.email({ error: "must be an e-mail address" });
/** One of `webhook`, `slack` and `email` says what it is. */
export const channelSettings = z
  .strictObject({
    webhook: text(1, 2_000).optional().meta({ description: "Gets notices, signed by Standard Webhooks when there is a secret" }),
    secret: text(8, 500).optional(),
    slack: text(1, 2_000).optional().meta({ description: "Address of an incoming webhook of Slack" }),
    email: z.union([mailbox, z.array(mailbox).min(1).max(50)]).optional(),
  })
  .superRefine((given, context) => {
    const kinds = (["webhook", "slack", "email"] as const).filter((kind) => given[kind] !== undefined);
    const say = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message, params: { code: "invalid_value" } });
    if (kinds.length !== 1) say(kinds[1] ?? "webhook", "give one of webhook, slack and email");
    else if (given.secret !== undefined && given.webhook === undefined) say("secret", "signs webhooks only");
  });
export type ChannelSettings = z.input<typeof channelSettings>;

const LOG_CHANNEL = "log";

export interface ChannelView {
  name: string;
  kind: "log" | "webhook" | "slack" | "email";
  /** Where it leads, without what is secret in it. */
  target: string;
  /** Who set it up: it can be changed there only. */
  from: "built-in" | "config" | "api";
}

interface Channel extends ChannelView {
  notifier: Notifier;
}

/** Every channel by name: those of the config file are there for all tenants, those of the API for the tenant that made them. */
export class Channels {
  private readonly store: Pick<AlertStore, "channels" | "saveChannel" | "removeChannel" | "deliveries">;
  private readonly targets: Targets;
  private readonly mail: MailServer | null;
  private readonly common = new Map<string, Channel>();
  private readonly own = new Map<string, Map<string, Channel>>();

  /** Throws address_not_allowed, bad_config for what the config file declares. */
  constructor(parts: {
    store: Pick<AlertStore, "channels" | "saveChannel" | "removeChannel" | "deliveries">;
    targets: Targets;
    mail: MailServer | null;
    log: Notifier;
    declared: Readonly<Record<string, ChannelSettings>>;
  }) {
    this.store = parts.store;
    this.targets = parts.targets;
    this.mail = parts.mail;
    this.common.set(LOG_CHANNEL, { name: LOG_CHANNEL, kind: "log", target: "the server's log", from: "built-in", notifier: parts.log });
    for (const [name, given] of Object.entries(parts.declared)) {
      const parsed = channelSettings.safeParse(given);
      if (!parsed.success || name === LOG_CHANNEL) {
        const found = name === LOG_CHANNEL ? "there already" : "not a channel";
        throw new BatchyardError("bad_config", {
          name: `channels.${name}`,
          found,
          allowed: parsed.error?.issues[0]?.message ?? "give it another name",
        });
      }
      this.common.set(name, this.made(name, parsed.data, "config"));
    }
  }

  async load(): Promise<void> {
    for (const { tenant, name, body } of await this.store.channels()) {
      const parsed = channelSettings.safeParse(body);
      // What was allowed when it was saved may not be any more: it is not there then, and its messages wait.
      if (parsed.success) this.keep(tenant, name, parsed.data);
    }
  }

  find(tenant: string, name: string): Notifier | undefined {
    return (this.common.get(name) ?? this.own.get(tenant)?.get(name))?.notifier;
  }

  names(tenant: string): string[] {
    return this.list(tenant).map(({ name }) => name);
  }

  /** All but the log; the log when there is no other. */
  standing(tenant: string): string[] {
    const others = this.names(tenant).filter((name) => name !== LOG_CHANNEL);
    return others.length > 0 ? others : [LOG_CHANNEL];
  }

  list(tenant: string): ChannelView[] {
    return [...this.common.values(), ...(this.own.get(tenant)?.values() ?? [])].map(({ name, kind, target, from }) => ({
      name,
      kind,
      target,
      from,
    }));
  }

  /** What became of the messages to each, in the order of `list`. */
  deliveries(tenant: string): Promise<ChannelDelivery[]> {
    return this.store.deliveries(tenant, this.names(tenant));
  }

  /** Throws unknown_channel. */
  require(tenant: string, names: readonly string[]): void {
    const known = this.names(tenant);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new BatchyardError("unknown_channel", { channel: unknown, known: known.join(", ") });
  }

  /** Throws address_not_allowed, channel_fixed, mail_not_set. */
  async save(tenant: string, name: string, settings: ChannelSettings, now: number): Promise<ChannelView> {
    this.refuseFixed(name);
    const target = settings.webhook ?? settings.slack;
    if (target !== undefined) await this.targets.check(target);
    const channel = this.made(name, settings, "api");
    await this.store.saveChannel(tenant, name, { ...settings }, now);
    this.hold(tenant, channel);
    return this.list(tenant).find((each) => each.name === name)!;
  }

  /** Throws channel_fixed, unknown_channel. */
  async remove(tenant: string, name: string): Promise<void> {
    this.refuseFixed(name);
    this.require(tenant, [name]);
    await this.store.removeChannel(tenant, name);
    this.own.get(tenant)?.delete(name);
  }

  /** Sends a message past the outbox. Null = it arrived; else why not. Throws unknown_channel. */
  async test(tenant: string, name: string, by: string): Promise<string | null> {
    this.require(tenant, [name]);
    try {
      const body = JSON.stringify({ type: "channel.test", channel: name, by });
      await this.find(tenant, name)!.send({ id: newId("test"), subject: `Test of the channel ${name}`, body });
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private refuseFixed(name: string): void {
    const fixed = this.common.get(name);
    if (fixed !== undefined)
      throw new BatchyardError("channel_fixed", { channel: name, from: fixed.from === "config" ? "the config file" : "the server" });
  }

  private keep(tenant: string, name: string, settings: ChannelSettings): void {
    try {
      this.hold(tenant, this.made(name, settings, "api"));
    } catch (error) {
      if (!(error instanceof BatchyardError)) throw error;
    }
  }

  private hold(tenant: string, channel: Channel): void {
    let own = this.own.get(tenant);
    if (own === undefined) this.own.set(tenant, (own = new Map()));
    own.set(channel.name, channel);
  }

  private made(name: string, settings: ChannelSettings, from: "config" | "api"): Channel {
    const { webhook, secret, slack, email = [] } = settings;
    if (webhook !== undefined) {
      const notifier = new WebhookNotifier({ url: webhook, secret }, this.targets);
      return { name, kind: "webhook", target: originOf(webhook), from, notifier };
    }
    if (slack !== undefined)
      return { name, kind: "slack", target: originOf(slack), from, notifier: new SlackNotifier(slack, this.targets) };
    if (this.mail === null) throw new BatchyardError("mail_not_set", { channel: name });
    const to = typeof email === "string" ? [email] : email;
    return { name, kind: "email", target: to.join(", "), from, notifier: new EmailNotifier(this.mail, to) };
  }
}

/** Paths of webhooks are often their secret. */
function originOf(url: string): string {
  return URL.canParse(url) ? `${new URL(url).origin}/…` : url;
}
