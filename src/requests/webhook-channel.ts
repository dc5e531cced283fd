const PREFIX = "requests:";

/** The outbox channel of the webhooks of requests at one server: a slow one holds up only itself. */
export function webhookChannel(url: string): string {
  return PREFIX + new URL(url).host;
}

export function isWebhookChannel(channel: string): boolean {
  return channel.startsWith(PREFIX);
}
