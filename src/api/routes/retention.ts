import { iso } from "../../model/clock.ts";
import type { Stored } from "../../monitor/retention-ladder.ts";
import { DEFAULT_TENANT } from "../../model/tenant.ts";
import * as contract from "../contract/retention.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

/** What is kept for how long, what it takes, and what goes next. */
export function retentionRoutes({ retention, clock }: ApiServices): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/system/retention",
      summary: "Stored batches by state and age with their size, and what the next pass of retention would remove",
      tag: "Monitoring",
      need: "viewer",
      answers: { 200: contract.retentionAnswer },
      async handle({ caller }) {
        // What is of all tenants is told to the one whose server it is.
        const isHome = caller.tenant === DEFAULT_TENANT;
        const { storeBytes, freeBytes, states, unfinished, deadLetters, audit, last, nextAt } = await retention.read(caller.tenant);
        return ok({
          success: true,
          timestamp: iso(clock.now()),
          store: isHome ? { used_bytes: storeBytes, free_bytes: freeBytes } : null,
          states: states.map(({ rungs, status, days, setting, due, ...sums }) => ({
            status,
            days,
            setting,
            ...wireStored(sums),
            due,
            ages: rungs.map(({ fromDays, toDays, ...part }) => ({ from_days: fromDays, to_days: toDays, ...wireStored(part) })),
          })),
          unfinished: wireStored(unfinished),
          dead_letters: { ...deadLetters, setting: "retention.dead_letters_days" },
          audit: isHome ? { ...audit, setting: "retention.audit_days" } : null,
          last_pass:
            last === null
              ? null
              : {
                  started_at: iso(last.startedAt),
                  ended_at: iso(last.endedAt),
                  removed: isHome ? last.removed : null,
                },
          next_pass_at: iso(nextAt),
        });
      },
    }),
  ];
}

function wireStored({ batches, items, estimatedBytes }: Stored): { batches: number; items: number; estimated_bytes: number } {
  return { batches, items, estimated_bytes: estimatedBytes };
}
