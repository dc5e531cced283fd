import type { ReactElement } from "react";
import { duration } from "../../figures/duration.ts";
import { Empty } from "../../parts/notice.tsx";
import { NumberHeads, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { CauseLink } from "./cause-link.tsx";
import { aboutOf, limit, measured, SEVERITY_LOOK } from "./look.ts";
import type { Pending, Rule } from "./queries.ts";

/** Rules that are met, but not for long enough yet. */
export function PendingList({ pending, rules }: { pending: readonly Pending[]; rules: readonly Rule[] }): ReactElement {
  if (pending.length === 0)
    return (
      <Empty title="Nothing is pending">
        A rule that must be met for a while stands here before it fires. How long, its row under Rules says.
      </Empty>
    );
  return (
    <Wide label="Pending">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Severity</th>
            <th scope="col">Alert</th>
            <NumberHeads names={["Value", "Fires at", "Since", "Fires after"]} />
          </tr>
        </thead>
        <tbody>
          {pending.map((each) => {
            const rule = rules.find(({ name }) => name === each.rule);
            const unit = rule?.unit ?? "count";
            return (
              <tr key={`${each.rule} ${each.instance}`}>
                <td className="w-28">{rule === undefined ? null : <Status look={SEVERITY_LOOK[rule.severity]} />}</td>
                <th scope="row" className="text-left">
                  <span className="font-medium">{each.rule}</span>{" "}
                  <CauseLink kind={rule?.kind ?? ""} instance={each.instance}>
                    {aboutOf(each.instance).name}
                  </CauseLink>
                </th>
                <td className="number">{each.value === null ? "—" : measured(each.value, unit)}</td>
                <td className="number text-soft">{rule === undefined ? "—" : limit(rule.threshold, rule)}</td>
                <td className="number">
                  <Time at={each.since} />
                </td>
                <td className="number">{rule === undefined ? "—" : duration(rule.forSeconds * 1000)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Wide>
  );
}
