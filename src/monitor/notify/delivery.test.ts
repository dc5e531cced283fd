import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AlertRig } from "../alerts/alerts.fixture.ts";
import { EmailNotifier } from "./email.ts";
import { SlackNotifier } from "./slack.ts";
import { Targets } from "./target.ts";
import { WebhookNotifier } from "./webhook.ts";

const NOTICE = {
  id: "alert:1:opening:ops",
  subject: "Alert (high): highErrorRate is 12 %: more than 10 %",
  body: JSON.stringify({
    type: "alert.firing",
    rule: "highErrorRate",
    instance: "operation:<script>alert(1)</script>&\r\nBcc: x@example.org",
  }),
};
/** Letters as they came over SMTP. */
let mails: { from: string; to: string[]; text: string }[];
let smtp: SMTPServer;
let http: Server;
let heard: { url: string; body: string; headers: Record<string, unknown> }[];
let answer: { status: number; headers?: Record<string, string> };
const targets = new Targets(["127.0.0.1:*"]);

beforeEach(async () => {
  mails = [];
  heard = [];
  answer = { status: 204 };
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(parts).toString("utf8"),
        });
        done();
      });
    },
  });
  http = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      heard.push({ url: request.url ?? "", body: Buffer.concat(parts).toString("utf8"), headers: request.headers });
      response.writeHead(answer.status, answer.headers).end();
    });
  });
  await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
  await new Promise<void>((resolve) => smtp.close(resolve));
});

const mailServer = (): { url: string; from: string } => ({
  url: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
  from: "Batchyard <batchyard@example.org>",
});
const sink = (): string => `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

describe("e-mail", () => {
  it("arrives over SMTP as plain text, under one message id however often it is tried", async () => {
    const email = new EmailNotifier(mailServer(), ["ops@example.org", "night@example.org"]);
    await email.send(NOTICE);
    await email.send(NOTICE);
    expect(mails[0]).toMatchObject({ from: "batchyard@example.org", to: ["ops@example.org", "night@example.org"] });
    const text = mails[0]!.text;
    const [head] = text.split("\r\n\r\n", 1);
    expect(head).toMatch(/^Subject: Alert \(high\): highErrorRate is 12 %: more than 10 %\r?$/m);
    expect(head).toMatch(/^Content-Type: text\/plain/m);
    expect(head).not.toMatch(/^Bcc:/m);
    expect(text).toContain("instance: operation:<script>alert(1)</script>& Bcc: x@example.org");
    const idOf = (mail: string): string | undefined => /^Message-ID: (.+)$/m.exec(mail)?.[1];
    expect(idOf(mails[0]!.text)).toBeDefined();
    expect(idOf(mails[1]!.text)).toBe(idOf(mails[0]!.text));
  });

  it("that no server takes is a failure", async () => {
    const email = new EmailNotifier({ url: "smtp://127.0.0.1:1", from: "a@example.org" }, ["ops@example.org"]);
    await expect(email.send(NOTICE)).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe("Slack", () => {
  it("gets one text in which nothing of ours is a link or a mention", async () => {
    await new SlackNotifier(`${sink()}/services/T0/B0/secret`, targets).send(NOTICE);
    expect(heard).toHaveLength(1);
    const { text } = JSON.parse(heard[0]!.body) as { text: string };
    expect(text.split("\n")[0]).toBe("*Alert (high): highErrorRate is 12 %: more than 10 %*");
    expect(text).toContain("operation:&lt;script&gt;alert(1)&lt;/script&gt;&amp; Bcc: x@example.org");
  });
});

describe("webhooks", () => {
  it("do not follow a redirect, wherever it leads", async () => {
    answer = { status: 302, headers: { location: `${sink()}/inside` } };
    await expect(new WebhookNotifier({ url: `${sink()}/hook` }, targets).send(NOTICE)).rejects.toThrow("the webhook answered 302");
    expect(heard.map(({ url }) => url)).toEqual(["/hook"]);
  });
});

describe("an alert, from the store to its receivers", () => {
  it("reaches a real mail server and a real HTTP server once each, opening and ending", async () => {
    const rig = await AlertRig.open(
      { mail: { email: "ops@example.org" }, hook: { webhook: `${sink()}/hook`, secret: "a secret of it" } },
      mailServer(),
    );
    try {
      await rig.only("batchFailure");
      await rig.ran(2, 2);
      await rig.ticks(250);
      expect(mails.map(({ text }) => /^Subject: (\S+)/m.exec(text)?.[1])).toEqual(["Alert", "Resolved:"]);
      expect(heard.map(({ body }) => (JSON.parse(body) as { data: { type: string } }).data.type)).toEqual([
        "alert.firing",
        "alert.resolved",
      ]);
      expect(heard[0]!.headers).toMatchObject({ "webhook-signature": expect.stringMatching(/^v1,/) as string });
    } finally {
      await rig.close();
    }
  });
});
