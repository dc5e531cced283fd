import { createHash } from "node:crypto";
import { z } from "zod";
import { BatchyardError } from "../../model/errors.ts";
import { text } from "../../model/fields.ts";
import { newId } from "../../model/ids.ts";
import type { ChannelDelivery, ChannelOff, ChannelStore } from "../../store/channels.ts";
import type { OutboxStore } from "../../store/port.ts";
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
  /** Its receiver said that it is gone: nothing goes to it until it is saved again or a test arrives. Null = it is on. */
  off: { since: number; reason: string } | null;
}

interface Channel extends Omit<ChannelView, "off"> {
  notifier: Notifier;
  /** Changes with the address. */
  fingerprint: string;
}

/** Every channel by name: those of the config file are there for all tenants, those of the API for the tenant that made them. */
export class Channels {
  private readonly store: ChannelStore;
  private readonly targets: Targets;
  private readonly mail: MailServer | null;
  private readonly common = new Map<string, Channel>();
  private readonly own = new Map<string, Map<string, Channel>>();
  private readonly outbox: Pick<OutboxStore, "hasten">;
  private off: ChannelOff[] = [];

  /** Throws address_not_allowed, bad_config for what the config file declares. */
  constructor(parts: {
    store: ChannelStore;
    outbox: Pick<OutboxStore, "hasten">;
    targets: Targets;
    mail: MailServer | null;
    log: Notifier;
    declared: Readonly<Record<string, ChannelSettings>>;
  }) {
    this.store = parts.store;
    this.outbox = parts.outbox;
    this.targets = parts.targets;
    this.mail = parts.mail;
    const target = "the server's log";
    this.common.set(LOG_CHANNEL, { name: LOG_CHANNEL, kind: "log", target, from: "built-in", notifier: parts.log, fingerprint: "" });
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
    for (const { tenant, name, body } of await this.store.all()) {
      const parsed = channelSettings.safeParse(body);
      // What was allowed when it was saved may not be any more: it is not there then, and its messages wait.
      if (parsed.success) this.keep(tenant, name, parsed.data);
    }
    this.off = await this.store.off();
    // Another address than the one that is gone: it was changed in the config file.
    for (const { tenant, name, target } of this.off) {
      const channel = tenant === null ? this.common.get(name) : this.own.get(tenant)?.get(name);
      if (channel !== undefined && channel.fingerprint !== target) await this.switchOn(tenant, name, null);
    }
  }

  find(tenant: string, name: string): Notifier | undefined {
    return this.channel(tenant, name)?.notifier;
  }

  /** Null = it is on, or there is none. */
  offReason(tenant: string, name: string): string | null {
    const owner = this.common.has(name) ? null : tenant;
    return this.off.find((each) => each.tenant === owner && each.name === name)?.reason ?? null;
  }

  /** Its receiver is gone: nothing goes to it any more. False = there is no such channel. */
  async gone(tenant: string, name: string, reason: string, now: number): Promise<boolean> {
    const channel = this.channel(tenant, name);
    if (channel === undefined) return false;
    const off = { tenant: this.common.has(name) ? null : tenant, name, target: channel.fingerprint, at: now, reason };
    if (await this.store.switchOff(off)) this.off.push(off);
    return true;
  }

  names(tenant: string): string[] {
    return this.list(tenant).map(({ name }) => name);
  }

  /** All that are on, but for the log; the log when there is no other. */
  standing(tenant: string): string[] {
    const others = this.names(tenant).filter((name) => name !== LOG_CHANNEL && this.offReason(tenant, name) === null);
    return others.length > 0 ? others : [LOG_CHANNEL];
  }

  list(tenant: string): ChannelView[] {
    const off = (owner: string | null, name: string): ChannelView["off"] => {
      const found = this.off.find((each) => each.tenant === owner && each.name === name);
      return found === undefined ? null : { since: found.at, reason: found.reason };
    };
    const view = (owner: string | null, { name, kind, target, from }: Channel): ChannelView => ({
      name,
      kind,
      target,
      from,
      off: off(owner, name),
    });
    return [
      ...[...this.common.values()].map((channel) => view(null, channel)),
      ...[...(this.own.get(tenant)?.values() ?? [])].map((channel) => view(tenant, channel)),
    ];
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
    await this.store.save(tenant, name, { ...settings }, now);
    this.hold(tenant, channel);
    await this.switchOn(tenant, name, now);
    return this.list(tenant).find((each) => each.name === name)!;
  }

  /** Throws channel_fixed, unknown_channel. */
  async remove(tenant: string, name: string): Promise<void> {
    this.refuseFixed(name);
    this.require(tenant, [name]);
    await this.store.remove(tenant, name);
    this.own.get(tenant)?.delete(name);
    await this.switchOn(tenant, name, null);
  }

  /** Sends a message past the outbox; a channel that was off is on again when it arrives. Null = it arrived; else why not. Throws unknown_channel. */
  async test(tenant: string, name: string, by: string, now: number): Promise<string | null> {
    this.require(tenant, [name]);
    try {
      const body = JSON.stringify({ type: "channel.test", channel: name, by });
      await this.find(tenant, name)!.send({ id: newId("test"), subject: `Test of the channel ${name}`, body });
      await this.switchOn(this.common.has(name) ? null : tenant, name, now);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private channel(tenant: string, name: string): Channel | undefined {
    return this.common.get(name) ?? this.own.get(tenant)?.get(name);
  }

  /** `now`: what waited for it goes out; null = it waits for its time. */
  private async switchOn(tenant: string | null, name: string, now: number | null): Promise<void> {
    if (!(await this.store.switchOn(tenant, name))) return;
    this.off = this.off.filter((each) => each.tenant !== tenant || each.name !== name);
    if (now !== null) await this.outbox.hasten(tenant, name, now);
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
      return { name, kind: "webhook", target: originOf(webhook), from, notifier, fingerprint: fingerprintOf(webhook) };
    }
    if (slack !== undefined) {
      const notifier = new SlackNotifier(slack, this.targets);
      return { name, kind: "slack", target: originOf(slack), from, notifier, fingerprint: fingerprintOf(slack) };
    }
    if (this.mail === null) throw new BatchyardError("mail_not_set", { channel: name });
    const to = typeof email === "string" ? [email] : email;
    const target = to.join(", ");
    return { name, kind: "email", target, from, notifier: new EmailNotifier(this.mail, to), fingerprint: fingerprintOf(target) };
  }
}

function fingerprintOf(address: string): string {
  return createHash("sha256").update(address).digest("hex");
}

/** Paths of webhooks are often their secret. */
function originOf(url: string): string {
  return URL.canParse(url) ? `${new URL(url).origin}/…` : url;
}
