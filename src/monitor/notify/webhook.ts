import { Webhook } from "standardwebhooks";
import { request } from "undici";
import type { Notice, Notifier } from "./port.ts";

const TIMEOUT_MS = 10_000;

/** POSTs notices to a URL of the operator's configuration, signed by the Standard Webhooks scheme when there is a secret. */
export class WebhookNotifier implements Notifier {
  private readonly url: string;
  private readonly secret: string | undefined;
  private readonly bare: boolean;

  /** `bare`: the notice's body goes out as it is, for receivers with an envelope of their own. */
  constructor(target: { url: string; secret?: string | undefined; bare?: boolean | undefined }) {
    this.url = target.url;
    this.secret = target.secret;
    this.bare = target.bare ?? false;
  }

  async send(notice: Notice): Promise<void> {
    const now = new Date();
    const body = this.bare
      ? notice.body
      : JSON.stringify({
          type: "notice",
          timestamp: now.toISOString(),
          subject: notice.subject,
          data: JSON.parse(notice.body) as unknown,
        });
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "webhook-id": notice.id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    };
    if (this.secret !== undefined) headers["webhook-signature"] = new Webhook(keyOf(this.secret)).sign(notice.id, now, body);
    const response = await request(this.url, { method: "POST", headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body.dump({ limit: 64 * 1024 });
    // A redirect is a failure too: it would carry the signature somewhere else.
    if (response.statusCode < 200 || response.statusCode > 299) throw new Error(`the webhook answered ${response.statusCode}`);
  }
}

/** `whsec_…` is base64 as it stands; any other text is its own bytes. */
function keyOf(secret: string): string {
  return secret.startsWith("whsec_") ? secret : Buffer.from(secret).toString("base64");
}
