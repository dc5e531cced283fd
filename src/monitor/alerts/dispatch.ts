import type { AlertEpisode, AlertLine, AlertStep } from "../../store/alerts.ts";
import type { OutboxDraft } from "../../store/openai-batches.ts";
import { dueAt, LIMIT_MESSAGES, LIMIT_WINDOW_MS, noticeKey, noticeOf } from "./messages.ts";
import type { AlertRule } from "./rule.ts";

/** Decides for one look whom a notice goes to, and whether at once or with others later. */
export class Dispatch {
  readonly messages: OutboxDraft[] = [];
  readonly lines: AlertLine[] = [];
  private readonly at: number;
  private readonly channels: { standing: string[]; all: string[]; off: string[] };
  private readonly before: ReadonlyMap<string, number>;
  private readonly counts = new Map<string, number>();

  /** `sent`: messages that channels got in this window already. */
  constructor(parts: {
    at: number;
    channels: { standing: string[]; all: string[]; off: string[] };
    sent: readonly { channel: string; messages: number }[];
  }) {
    this.at = parts.at;
    this.channels = parts.channels;
    this.before = new Map(parts.sent.map(({ channel, messages }) => [channel, messages]));
  }

  /** The channels that are told: of an ending those that were told of the opening and are still there. */
  tell(episode: AlertEpisode, end: "opening" | "resolving", rule: AlertRule): string[] {
    const told = (episode.channels ?? []).filter((channel) => this.channels.all.includes(channel));
    const channels = end === "resolving" ? told : this.receivers(episode, rule);
    const { key, subject, body } = noticeOf(episode, end);
    for (const channel of channels) {
      const dedupeKey = `${key}:${channel}`;
      const follows = end === "resolving" ? `${noticeKey(episode, "opening")}:${channel}` : undefined;
      if (rule.frequency === "immediate" && this.room(channel)) this.messages.push({ channel, dedupeKey, follows, subject, body });
      else this.lines.push({ channel, dedupeKey, frequency: rule.frequency, dueAt: dueAt(rule.frequency, this.at), subject, body });
    }
    return channels;
  }

  counted(): AlertStep["sent"] {
    const windowAt = this.at - (this.at % LIMIT_WINDOW_MS);
    return [...this.counts].map(([channel, messages]) => ({ channel, windowAt, messages }));
  }

  /** A rule whose channels were all removed tells the default ones. That a channel is broken or off is told through others that are on. */
  private receivers(episode: AlertEpisode, rule: AlertRule): string[] {
    if (rule.channels?.length === 0) return [];
    const named = (rule.channels ?? []).filter((channel) => this.channels.all.includes(channel));
    const wanted = named.length > 0 ? named : this.channels.standing;
    if (episode.kind !== "channelBroken" && episode.kind !== "channelOff") return wanted;
    const isOther = (channel: string): boolean => episode.instance !== `channel:${channel}` && !this.channels.off.includes(channel);
    const others = wanted.filter(isOther);
    return others.length > 0 ? others : this.channels.all.filter(isOther);
  }

  private room(channel: string): boolean {
    const sent = (this.before.get(channel) ?? 0) + (this.counts.get(channel) ?? 0);
    if (sent >= LIMIT_MESSAGES) return false;
    this.counts.set(channel, (this.counts.get(channel) ?? 0) + 1);
    return true;
  }
}
