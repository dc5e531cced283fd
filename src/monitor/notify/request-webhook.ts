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
    // It was allowed when the request came; the operator may have decided otherwise since.
    const refusal = this.targets.refusal(url);
    if (refusal !== null) throw new Error(`blocked: ${refusal}`);
    await postSigned({ url, id, body: JSON.stringify(event), secret: this.secret, agent: this.targets.agentFor(url) });
  }
}
