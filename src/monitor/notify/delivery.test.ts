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
/** Whom the mail server knows nobody for. */
let refused: string | null = null;
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
    onRcptTo: ({ address }, _session, done) => done(address === refused ? new Error("no such mailbox") : null),
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

  it("that a server takes for some only is a failure, and those do not get it again", async () => {
    const email = new EmailNotifier(mailServer(), ["ops@example.org", "gone@example.org", "night@example.org"]);
    refused = "gone@example.org";
    const reached = ["ops@example.org", "night@example.org"];
    await expect(email.send(NOTICE)).rejects.toMatchObject({ message: "the mail server refused gone@example.org", reached });
    await expect(email.send({ ...NOTICE, reached })).rejects.toThrow("no such mailbox");
    refused = null;
    await email.send({ ...NOTICE, reached });
    expect(mails.map(({ to }) => to)).toEqual([reached, ["gone@example.org"]]);
    // The last of them was taken off the channel meanwhile.
    await email.send({ ...NOTICE, reached: [...reached, "gone@example.org"] });
    expect(mails).toHaveLength(2);
    await email.send({ ...NOTICE, id: "another" });
    expect(mails.at(-1)!.to).toHaveLength(3);
  });

  it("that a server takes for some only goes to nobody twice, whatever restarts in between", async () => {
    const rig = await AlertRig.open({ mail: { email: ["ops@example.org", "gone@example.org"] } }, mailServer());
    await rig.only("batchFailure");
    refused = "gone@example.org";
    await rig.ran(1, 1);
    await rig.ticks(2);
    await rig.restart();
    await rig.ticks(2);
    refused = null;
    await rig.restart();
    await rig.ticks(4);
    expect(mails.map(({ to }) => to)).toEqual([["ops@example.org"], ["gone@example.org"]]);
    await rig.close();
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

describe("a receiver that says more than no", () => {
  let rig: AlertRig;
  beforeEach(async () => {
    rig = await AlertRig.open({ hook: { webhook: `${sink()}/hook` } });
    await rig.only("batchFailure", "channelOff", "channelBroken");
  });
  afterEach(async () => {
    await rig.close();
  });
  const view = () => rig.alerts.channels.list("acme").find(({ name }) => name === "hook")!;
  const subjects = (): string[] => rig.heard.map(({ subject }) => subject);

  it("410: the channel is off over restarts, that is told through another, and a test that arrives brings everything after", async () => {
    answer = { status: 410 };
    await rig.ran(1, 1, 1000, "first");
    await rig.ticks(1);
    expect([heard.length, view().off]).toEqual([1, { since: rig.now, reason: "the webhook answered 410: it is gone" }]);
    await rig.restart();
    await rig.ran(1, 1, 1000, "second");
    await rig.ticks(4);
    expect(heard).toHaveLength(1);
    expect(await rig.firing()).toEqual(["batchFailure operation:first", "batchFailure operation:second", "channelOff channel:hook"]);
    // Alerts go to the log while no other channel is on.
    expect(subjects().toSorted()).toEqual([
      "Alert (critical): batchFailure (operation:second) is 1: at least 1",
      "Alert (high): channelOff (channel:hook) is 1: at least 1",
    ]);
    expect(await rig.alerts.channels.test("acme", "hook", "me", rig.now)).toBe("the webhook answered 410: it is gone");
    expect(view().off).not.toBeNull();

    answer = { status: 204 };
    expect(await rig.alerts.channels.test("acme", "hook", "me", rig.now)).toBeNull();
    expect(view().off).toBeNull();
    await rig.ticks(2);
    const bodies = heard.slice(3).map(({ body }) => (JSON.parse(body) as { subject: string }).subject);
    expect(bodies).toEqual(["Alert (critical): batchFailure (operation:first) is 1: at least 1"]);
    expect(subjects()).toContain("Resolved: channelOff (channel:hook) is 1: at least 1");
  });

  it("410: a channel of the API is on again when it is saved, and another tenant's of that name never was off", async () => {
    await rig.alerts.channels.save("acme", "mine", { webhook: `${sink()}/mine` }, rig.now);
    await rig.alerts.channels.save("other", "mine", { webhook: `${sink()}/other` }, rig.now);
    await rig.alerts.saveRule("acme", "batchFailure", { kind: "batchFailure", channels: ["mine"] });
    answer = { status: 410 };
    await rig.ran(1, 1);
    await rig.ticks(1);
    const off = (tenant: string): boolean => rig.alerts.channels.list(tenant).find(({ name }) => name === "mine")!.off !== null;
    expect([off("acme"), off("other")]).toEqual([true, false]);
    answer = { status: 204 };
    await rig.alerts.channels.save("acme", "mine", { webhook: `${sink()}/new` }, rig.now);
    await rig.ticks(1);
    expect([off("acme"), heard.filter(({ url }) => url === "/new").length]).toEqual([false, 1]);
  });

  it.each([429, 503])("%i: nothing goes there before the time that it asked for, also not the next message", async (status) => {
    answer = { status, headers: { "retry-after": "600" } };
    await rig.ran(1, 1, 1000, "first");
    await rig.ticks(1);
    const askedAt = rig.now;
    answer = { status: 204 };
    await rig.ran(1, 1, 1000, "second");
    await rig.ticks(39);
    expect([heard.length, rig.now - askedAt]).toEqual([1, 585_000]);
    await rig.ticks(1);
    expect([heard.length, view().off]).toEqual([3, null]);
  });

  it.each(["soon", "-5", "0", "99999999999999999999", "Thu, 01 Jan 1970 00:00:00 GMT"])(
    "a Retry-After of %s is as none: the next try is after five seconds",
    async (wait) => {
      answer = { status: 429, headers: { "retry-after": wait } };
      await rig.ran(1, 1);
      await rig.ticks(1);
      answer = { status: 204 };
      await rig.ticks(1);
      expect(heard).toHaveLength(2);
    },
  );
});

describe("a slow receiver", () => {
  it("holds up its own messages only", async () => {
    let answerNow = (): void => undefined;
    const slow = createServer((_, response) => void (answerNow = () => response.writeHead(204).end()));
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const rig = await AlertRig.open({
      slow: { webhook: `http://127.0.0.1:${(slow.address() as AddressInfo).port}/` },
      hook: { webhook: `${sink()}/hook` },
    });
    await rig.only("batchFailure");
    rig.courier.start();
    // The courier looks every second of the virtual clock; the calls are real.
    const until = async (count: number): Promise<void> => {
      while (heard.length < count) await rig.clock.advance(1000);
    };
    await rig.ran(1, 1);
    await rig.alerts.evaluator.tick();
    await until(1);
    await rig.ran(1, 1, 1000, "second");
    await rig.clock.skipTo(rig.now + 15_000);
    await rig.alerts.evaluator.tick();
    await until(2);
    expect(heard).toHaveLength(2);
    answerNow();
    await rig.courier.stop();
    await rig.close();
    slow.closeAllConnections();
    await new Promise((resolve) => slow.close(resolve));
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
