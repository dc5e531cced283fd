import { dayOf, dayText, noCosts, type CostSums } from "../../model/ledger.ts";
import { invalid } from "../../model/errors.ts";
import { instantMs } from "../../model/fields.ts";
import { toUsd } from "../../model/money.ts";
import * as contract from "../contract/costs.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { amountsOf, changesOf, costFigures, projectedMonthly, projectedToEnd } from "../wire/costs.ts";

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 3660;
const MAX_GROUPS = 1000;

/** What was spent. */
export function costRoutes({ batches, ledger, clock }: ApiServices): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/costs/budgets",
      summary: "Batches that have not ended and may cost so much only",
      tag: "Costs",
      need: "viewer",
      query: contract.budgetsQuery,
      answers: { 200: contract.budgetsAnswer },
      async handle({ caller, query }) {
        const { batches: found, nextCursor } = await batches.budgeted(caller, query);
        const budgets = found.map(({ id, name, status, cost, options }) => ({
          batchId: id,
          name,
          status,
          paid: toUsd(cost),
          budget: options.budgetUsd!,
        }));
        return ok({ success: true, budgets, nextCursor });
      },
    }),
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
        const { tenant } = caller;
        const sumsOf = async (first: number, last: number): Promise<CostSums> => {
          const [all] = await ledger.sums({ tenant, fromDay: first, toDay: last, groupBy: "tenant", limit: 1 });
          return all?.sums ?? noCosts();
        };
        const totals = await sumsOf(fromDay, toDay);
        const before = { from: fromDay - rangeDays, to: fromDay - 1 };
        const previous = await sumsOf(before.from, before.to);
        const month = monthOf(clock.now());
        const soFar = await sumsOf(month.firstDay, month.lastDay);
        const groups = await ledger.sums({ tenant, fromDay, toDay, groupBy, limit: groupBy === "day" ? MAX_DAYS : MAX_GROUPS });
        if (groupBy === "day") groups.sort((a, b) => Number(a.key) - Number(b.key));
        return ok({
          success: true,
          from: dayText(fromDay),
          to: dayText(toDay),
          rangeDays,
          groupBy,
          totals: costFigures(totals),
          groups: groups.map(({ key, sums }) => ({ key: groupBy === "day" ? dayText(Number(key)) : key, ...costFigures(sums) })),
          projectedMonthly: projectedMonthly(totals, rangeDays),
          previous: { from: dayText(before.from), to: dayText(before.to), requests: previous.requests, ...amountsOf(previous) },
          changes: changesOf(totals, previous),
          month: {
            from: dayText(month.firstDay),
            to: dayText(month.lastDay),
            ...amountsOf(soFar),
            projected: projectedToEnd(soFar, month.elapsedDays, month.lastDay - month.firstDay + 1),
          },
        });
      },
    }),
  ];
}

/** The UTC month of a time: its first and last day, and how much of it is over; at least a day, so that its first minutes say nothing wild. */
function monthOf(now: number): { firstDay: number; lastDay: number; elapsedDays: number } {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const start = Date.UTC(year, month, 1);
  return { firstDay: dayOf(start), lastDay: dayOf(Date.UTC(year, month + 1, 1)) - 1, elapsedDays: Math.max(1, (now - start) / DAY_MS) };
}
