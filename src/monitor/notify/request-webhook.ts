import type { Notice, Notifier } from "./port.ts";
import type { Targets } from "./target.ts";
import { postSigned } from "./webhook.ts";

/** POSTs events to the URL that each brings with it, signed by the Standard Webhooks scheme. The notice's body is `{url, event}`. */
export class RequestWebhookNotifier implements Notifier {
  private readonly targets: Targets;
  private readonly secret: string;

  constructor(parts: { targets: Targets; secret: string }) {
    this.targets = parts.targets;
    this.secret = parts.secret;
  }

  async send({ id, body }: Notice): Promise<void> {
    const { url, event } = JSON.parse(body) as { url: string; event: unknown };
    await postSigned({ url, id, body: JSON.stringify(event), secret: this.secret, targets: this.targets });
  }
}
