import { Webhook } from "standardwebhooks";
import { request } from "undici";
import type { Notice, Notifier } from "./port.ts";
import { Refusal } from "./refusal.ts";
import type { Targets } from "./target.ts";

const TIMEOUT_MS = 10_000;

/** POSTs notices to a URL, signed by the Standard Webhooks scheme when there is a secret. */
export class WebhookNotifier implements Notifier {
  private readonly url: string;
  private readonly secret: string | undefined;
  private readonly bare: boolean;
  private readonly targets: Targets;

  /** `bare`: the notice's body goes out as it is, for receivers with an envelope of their own. Throws address_not_allowed. */
  constructor(target: { url: string; secret?: string | undefined; bare?: boolean | undefined }, targets: Targets) {
    targets.require(target.url);
    this.targets = targets;
    this.url = target.url;
    this.secret = target.secret;
    this.bare = target.bare ?? false;
  }

  async send(notice: Notice): Promise<void> {
    const body = this.bare
      ? notice.body
      : JSON.stringify({
          type: "notice",
          timestamp: new Date().toISOString(),
          subject: notice.subject,
          data: JSON.parse(notice.body) as unknown,
        });
    await postSigned({ url: this.url, id: notice.id, body, secret: this.secret, targets: this.targets });
  }
}

/** POSTs a JSON text, signed when there is a secret. Throws unless the target is allowed and the answer is 2xx: a Refusal when it is another. */
export async function postSigned(message: {
  url: string;
  id: string;
  body: string;
  secret: string | undefined;
  targets: Targets;
}): Promise<void> {
  const { url, id, body, secret, targets } = message;
  // It was allowed when it was saved; the operator may have decided otherwise since.
  const refusal = targets.refusal(url);
  if (refusal !== null) throw new Error(`blocked: ${refusal}`);
  const now = new Date();
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
  };
  if (secret !== undefined) headers["webhook-signature"] = new Webhook(keyOf(secret)).sign(id, now, body);
  const response = await request(url, {
    method: "POST",
    headers,
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    dispatcher: targets.agentFor(url),
  });
  await response.body.dump({ limit: 64 * 1024 });
  // A redirect is a failure too: it would carry the signature somewhere else.
  if (response.statusCode >= 200 && response.statusCode <= 299) return;
  const retryAfter = response.headers["retry-after"];
  throw new Refusal(response.statusCode, typeof retryAfter === "string" ? retryAfter : undefined, now.getTime());
}

/** `whsec_…` is base64 as it stands; any other text is its own bytes. */
function keyOf(secret: string): string {
  return secret.startsWith("whsec_") ? secret : Buffer.from(secret).toString("base64");
}
