import type { ReactElement } from "react";
import { duration } from "../../figures/duration.ts";
import { Icon } from "../../parts/icon.tsx";
import { Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { useActiveRow } from "../../shell/row-keys.ts";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { useAct } from "./act.ts";
import { CauseLink } from "./cause-link.tsx";
import { aboutOf, limit, measured, SEVERITY_LOOK } from "./look.ts";
import { acts, type Alert, type Rule } from "./queries.ts";

interface AlertListProps {
  title: string;
  alerts: readonly Alert[];
  rules: readonly Rule[];
  onSilence: (alert: Alert) => void;
}

/** Open alerts, each with what it saw, what is allowed, and what can be done about it. */
export function AlertList({ title, alerts, rules, onSilence }: AlertListProps): ReactElement {
  const act = useAct();
  const [active, step] = useActiveRow(alerts.length, (row) => alerts[row]?.id);
  const chosen = alerts[active];
  const acknowledge = (alert: Alert): void =>
    void act(`${alert.rule} is yours now: nobody is told of it again`, () => acts.acknowledge(alert.id));
  useShortcuts([
    { keys: "j", label: "Next alert", run: () => step(1) },
    { keys: "k", label: "Previous alert", run: () => step(-1) },
    { keys: "a", label: "Acknowledge the alert", run: () => chosen !== undefined && !chosen.acknowledged && acknowledge(chosen) },
    { keys: "s", label: "Silence the alert", run: () => chosen !== undefined && onSilence(chosen) },
  ]);
  return (
    <Wide label={title}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Severity</th>
            <th scope="col">Alert</th>
            <th scope="col" className="number">
              Value
            </th>
            <th scope="col" className="number">
              Fires at
            </th>
            <th scope="col" className="number">
              Since
            </th>
            <th scope="col" className="pl-6!">
              State
            </th>
            <th scope="col">
              <span className="sr-only">Act</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {alerts.map((alert, i) => (
            <AlertRow
              key={alert.id}
              alert={alert}
              rule={rules.find((rule) => rule.name === alert.rule)}
              isActive={i === active}
              onAcknowledge={() => acknowledge(alert)}
              onSilence={() => onSilence(alert)}
            />
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

interface AlertRowProps {
  alert: Alert;
  /** Null when it was removed since. */
  rule: Rule | undefined;
  isActive: boolean;
  onAcknowledge: () => void;
  onSilence: () => void;
}

function AlertRow({ alert, rule, isActive, onAcknowledge, onSilence }: AlertRowProps): ReactElement {
  const about = aboutOf(alert.instance);
  const unit = rule?.unit ?? "count";
  const fires = rule === undefined ? measured(alert.threshold, unit) : limit(alert.threshold, rule);
  const actions = (
    <>
      {alert.acknowledged ? null : (
        <button type="button" className="button" aria-label={`Acknowledge ${alert.rule} ${about.name}`} onClick={onAcknowledge}>
          Acknowledge
        </button>
      )}
      <button type="button" className="button" aria-label={`Silence ${alert.rule} ${about.name}`} onClick={onSilence}>
        Silence
      </button>
    </>
  );
  return (
    <tr className={`[&>*]:py-2.5! [&>*]:align-top ${isActive ? "outline-2 -outline-offset-2 outline-accent" : ""}`}>
      <td className="w-28">
        <Status look={SEVERITY_LOOK[alert.severity]} />
      </td>
      <th scope="row" className="text-left whitespace-normal! md:min-w-56">
        <span className="font-medium">{alert.rule}</span>{" "}
        <CauseLink kind={alert.kind} instance={alert.instance}>
          {about.name}
        </CauseLink>
        <span className="mt-0.5 block max-w-xl text-xs font-normal text-soft">{rule?.measures ?? alert.message}</span>
      </th>
      <td className="number" title={`The worst of it: ${measured(alert.worst, unit)}`}>
        {measured(alert.value, unit)}
      </td>
      <td className="number text-soft">{fires}</td>
      <td className="number">
        <Time at={alert.openedAt} />
      </td>
      <td className="min-w-36 pl-6!">
        <Standing alert={alert} />
      </td>
      <td>
        <span className="-my-1.5 flex justify-end gap-2">{actions}</span>
      </td>
    </tr>
  );
}

/** Whether somebody knows of it, and was told. */
function Standing({ alert }: { alert: Alert }): ReactElement {
  const lines = [
    ...(alert.acknowledged ? [`taken on by ${alert.acknowledgedBy ?? "somebody"}`] : []),
    ...(alert.inhibited ? ["explained by another alert"] : []),
    ...(alert.nodata ? ["no data at the moment"] : []),
    ...(alert.state === "recovering" ? ["recovering"] : []),
    ...(alert.channels === null
      ? alert.silenced || alert.inhibited || alert.acknowledged
        ? []
        : ["nobody was told yet"]
      : alert.channels.length === 0
        ? ["nobody is told of it"]
        : [`told: ${alert.channels.join(", ")}`]),
  ];
  return (
    <span className="flex flex-col gap-0.5 text-soft">
      {lines.map((line) => (
        <span key={line} className="inline-flex items-baseline gap-1.5">
          {line.startsWith("taken") ? <Icon name="check" className="self-center text-good" /> : null}
          {line}
        </span>
      ))}
    </span>
  );
}

/** How long an episode lasted. */
export function lasted({ openedAt, resolvedAt }: Pick<Alert, "openedAt" | "resolvedAt">): string {
  return resolvedAt === null ? "open" : duration(Date.parse(resolvedAt) - Date.parse(openedAt));
}
