import { createTransport, type Transporter } from "nodemailer";
import { linesOf } from "./plain-text.ts";
import type { Notice, Notifier } from "./port.ts";
import { PartlySent } from "./refusal.ts";

const TIMEOUT_MS = 10_000;

/** The server that takes mail: `smtp://user:password@host:587` or `smtps://…`, and whom mail is from. */
export interface MailServer {
  url: string;
  from: string;
}

/**
 * Sends notices as plain text over SMTP. When the server refuses some of the recipients it throws PartlySent, so that somebody hears of
 * it; the others do not get the same again when the notice says that they have it.
 */
export class EmailNotifier implements Notifier {
  private readonly transport: Transporter;
  private readonly from: string;
  private readonly to: readonly string[];

  constructor(server: MailServer, to: readonly string[]) {
    this.transport = createTransport({
      url: server.url,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    this.from = server.from;
    this.to = to;
  }

  async send(notice: Notice): Promise<void> {
    const [subject, ...rest] = linesOf(notice);
    const before = notice.reached ?? [];
    const open = this.to.filter((address) => !before.includes(address));
    if (open.length === 0) return;
    const sent: unknown = await this.transport.sendMail({
      from: this.from,
      to: [...this.to],
      envelope: { from: this.from, to: open },
      subject: subject ?? "",
      text: `${[subject, "", ...rest].join("\n")}\n`,
      // The same for every try: mail programs show repetitions once.
      messageId: `<${Buffer.from(notice.id).toString("base64url")}@batchyard>`,
      headers: { "Auto-Submitted": "auto-generated" },
    });
    const refused = refusedOf(sent);
    if (refused.length === 0) return;
    const reached = [...before, ...open.filter((address) => !refused.includes(address))];
    throw new PartlySent(`the mail server refused ${refused.join(", ")}`, reached);
  }
}

/** Those the server took nobody's mail for, while it took it for others. */
function refusedOf(sent: unknown): string[] {
  const { rejected } = sent as { rejected?: readonly (string | { address: string })[] };
  return (rejected ?? []).map((each) => (typeof each === "string" ? each : each.address));
}
