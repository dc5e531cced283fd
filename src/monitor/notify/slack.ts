import { linesOf } from "./plain-text.ts";
import type { Notice, Notifier } from "./port.ts";
import type { Targets } from "./target.ts";
import { postSigned } from "./webhook.ts";

/** POSTs notices to a Slack incoming webhook, or to anything that takes its `{"text"}`. */
export class SlackNotifier implements Notifier {
  private readonly url: string;
  private readonly targets: Targets;

  /** Throws address_not_allowed. */
  constructor(url: string, targets: Targets) {
    targets.require(url);
    this.url = url;
    this.targets = targets;
  }

  async send(notice: Notice): Promise<void> {
    const [head, ...rest] = linesOf(notice).map(escaped);
    const body = JSON.stringify({ text: [`*${head ?? ""}*`, ...rest].join("\n") });
    await postSigned({ url: this.url, id: notice.id, body, secret: undefined, targets: this.targets });
  }
}

/** The three characters by which Slack begins links and mentions; texts of errors are shown as text. */
function escaped(line: string): string {
  return line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
