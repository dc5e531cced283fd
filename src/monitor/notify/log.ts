import type { Logger } from "pino";
import type { Notice, Notifier } from "./port.ts";

export class LogNotifier implements Notifier {
  private readonly log: Logger;

  constructor(log: Logger) {
    this.log = log;
  }

  async send(notice: Notice): Promise<void> {
    this.log.info({ notice: JSON.parse(notice.body) as unknown, id: notice.id }, notice.subject);
  }
}
