import { dayOf, dayText, noCosts } from "../../model/ledger.ts";
import { invalid } from "../../model/errors.ts";
import { instantMs } from "../../model/fields.ts";
import * as contract from "../contract/costs.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { costFigures, projectedMonthly } from "../wire/costs.ts";

const DEFAULT_DAYS = 30;
const MAX_DAYS = 3660;
const MAX_GROUPS = 1000;

/** What was spent. */
export function costRoutes({ ledger, clock }: ApiServices): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/costs",
      summary: "Requests, tokens, standard price, paid and saved, by model, operation, day, batch, provider or tier",
      tag: "Costs",
      need: "viewer",
      query: contract.costsQuery,
      answers: { 200: contract.costsAnswer },
      async handle({ caller, query }) {
        const toDay = dayOf(query.to === undefined ? clock.now() : instantMs(query.to));
        const fromDay = query.from === undefined ? toDay - DEFAULT_DAYS + 1 : dayOf(instantMs(query.from));
        const rangeDays = toDay - fromDay + 1;
        if (rangeDays < 1 || rangeDays > MAX_DAYS) {
          const message = rangeDays < 1 ? `must not be after 'to' (${dayText(toDay)})` : `must be at most ${MAX_DAYS} days before 'to'`;
          throw invalid([{ path: "from", message, code: "out_of_range" }]);
        }
        const { groupBy } = query;
        const range = { tenant: caller.tenant, fromDay, toDay };
        const [total] = await ledger.sums({ ...range, groupBy: "tenant", limit: 1 });
        const groups = await ledger.sums({ ...range, groupBy, limit: groupBy === "day" ? MAX_DAYS : MAX_GROUPS });
        if (groupBy === "day") groups.sort((a, b) => Number(a.key) - Number(b.key));
        const totals = total?.sums ?? noCosts();
        return ok({
          success: true,
          from: dayText(fromDay),
          to: dayText(toDay),
          rangeDays,
          groupBy,
          totals: costFigures(totals),
          groups: groups.map(({ key, sums }) => ({ key: groupBy === "day" ? dayText(Number(key)) : key, ...costFigures(sums) })),
          projectedMonthly: projectedMonthly(totals, rangeDays),
        });
      },
    }),
  ];
}
