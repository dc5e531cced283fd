import { createTransport, type Transporter } from "nodemailer";
import { linesOf } from "./plain-text.ts";
import type { Notice, Notifier } from "./port.ts";

const TIMEOUT_MS = 10_000;

/** The server that takes mail: `smtp://user:password@host:587` or `smtps://…`, and whom mail is from. */
export interface MailServer {
  url: string;
  from: string;
}

/** Notices of which it is known who got them while others did not. */
const REMEMBERED = 1_000;

/**
 * Sends notices as plain text over SMTP. When the server refuses some of the recipients it throws, so that somebody hears of it; the
 * others do not get the same again, unless the process was started anew.
 */
export class EmailNotifier implements Notifier {
  private readonly transport: Transporter;
  private readonly from: string;
  private readonly to: readonly string[];
  /** By notice, who got it. */
  private readonly reached = new Map<string, readonly string[]>();

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
    const before = this.reached.get(notice.id) ?? [];
    const open = this.to.filter((address) => !before.includes(address));
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
    this.reached.delete(notice.id);
    if (refused.length === 0) return;
    if (this.reached.size >= REMEMBERED) this.reached.delete(this.reached.keys().next().value!);
    this.reached.set(notice.id, [...before, ...open.filter((address) => !refused.includes(address))]);
    throw new Error(`the mail server refused ${refused.join(", ")}`);
  }
}

/** Those the server took nobody's mail for, while it took it for others. */
function refusedOf(sent: unknown): string[] {
  const { rejected } = sent as { rejected?: readonly (string | { address: string })[] };
  return (rejected ?? []).map((each) => (typeof each === "string" ? each : each.address));
}
