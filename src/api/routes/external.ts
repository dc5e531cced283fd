import * as contract from "../contract/external.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

const TAG = "External workers";

/** Pull workers in any language. */
export function externalRoutes({ external }: ApiServices): Route[] {
  return [
    route({
      method: "POST",
      path: "/api/external/lease",
      summary: "Lease chunks to work on",
      tag: TAG,
      need: "operator",
      body: contract.leaseBody,
      answers: { 200: contract.leaseAnswer },
      async handle({ caller, body }) {
        const { chunks, draining } = await external.lease(caller, body);
        // Payloads go out as the text they came in: a number that no double holds stays as it was.
        const texts = chunks.map(({ items, leaseUntil, ...chunk }) => {
          const head = JSON.stringify({ ...chunk, leaseUntil: new Date(leaseUntil).toISOString() }).slice(0, -1);
          const rows = items.map(
            (item) => `{"key":${JSON.stringify(item.key)},"payload":${item.text},"idempotencyKey":${JSON.stringify(item.idempotencyKey)}}`,
          );
          return `${head},"items":[${rows.join(",")}]}`;
        });
        return { kind: "text", status: 200, text: `{"success":true,"chunks":[${texts.join(",")}],"draining":${draining}}` };
      },
    }),
    route({
      method: "POST",
      path: "/api/external/heartbeat",
      summary: "Renew leases",
      tag: TAG,
      need: "operator",
      body: contract.heartbeatBody,
      answers: { 200: contract.heartbeatAnswer },
      handle: async ({ caller, body }) => ok({ success: true, ...(await external.heartbeat(caller, body)) }),
    }),
    route({
      method: "POST",
      path: "/api/external/results",
      summary: "Settle items of a leased chunk; 409 lease_lost when the lease is gone",
      tag: TAG,
      need: "operator",
      body: contract.settleBody,
      carries: true,
      creates: true,
      answers: { 200: contract.settleAnswer },
      handle: async ({ caller, body }) => ok({ success: true, ...(await external.settle(caller, body)) }),
    }),
  ];
}
