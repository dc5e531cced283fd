import type { Served } from "../served.ts";

const BASE = "/api/admin/batch-monitoring";

async function ask(served: Served, method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answer = await served.send(`${BASE}${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

/**
 * Alerts that fire, are pending, are silenced, are taken on and have ended, for a server on which a batch has failed within the last
 * hour. Waits for one look of the rules, which comes every 15 seconds.
 */
export async function sampleAlerts(served: Served): Promise<void> {
  await ask(served, "PUT", "/channels/pager", { webhook: "https://alerts.example.invalid/hook" });
  await ask(served, "POST", "/rules", { name: "failsForAnHour", kind: "batchFailure", forSeconds: 3_600, severity: "high" });
  await ask(served, "POST", "/rules", { name: "trial", kind: "batchFailure", severity: "low", channels: ["log"] });
  await ask(served, "POST", "/silences", { rule: "newErrorClass", minutes: 240, comment: "New supplier, errors are expected" });
  const fired = await told(served, "trial");
  await ask(served, "DELETE", "/rules/trial");
  const errors = fired.data.alerts.find(({ rule }) => rule === "highErrorRate");
  if (errors !== undefined) await ask(served, "POST", `/alerts/${errors.id}/ack`, { note: "Asked the supplier" });
}

interface Open {
  data: { alerts: { id: string; rule: string }[] };
}

/** The open alerts, once this rule is among them. */
async function told(served: Served, rule: string): Promise<Open> {
  const done = new AbortController();
  const open = async (): Promise<Open> => (await ask(served, "GET", "/alerts?state=open")) as unknown as Open;
  const heard = served.client.follow(
    { types: ["alert.firing"] },
    {
      event: ({ data }) => {
        if (data["rule"] === rule) done.abort();
      },
      // It may have fired before anybody listened.
      open: () =>
        void open().then(({ data }) => {
          if (data.alerts.some((alert) => alert.rule === rule)) done.abort();
        }),
    },
    done.signal,
  );
  await heard.catch((error: unknown) => {
    if (!done.signal.aborted) throw error;
  });
  return open();
}
