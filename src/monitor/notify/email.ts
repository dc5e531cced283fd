import { createTransport, type Transporter } from "nodemailer";
import { linesOf } from "./plain-text.ts";
import type { Notice, Notifier } from "./port.ts";

const TIMEOUT_MS = 10_000;

/** The server that takes mail: `smtp://user:password@host:587` or `smtps://…`, and whom mail is from. */
export interface MailServer {
  url: string;
  from: string;
}

/** Sends notices as plain text over SMTP. */
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
    await this.transport.sendMail({
      from: this.from,
      to: [...this.to],
      subject: subject ?? "",
      text: `${[subject, "", ...rest].join("\n")}\n`,
      // The same for every try: mail programs show repetitions once.
      messageId: `<${Buffer.from(notice.id).toString("base64url")}@batchyard>`,
      headers: { "Auto-Submitted": "auto-generated" },
    });
  }
}
