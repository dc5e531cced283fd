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
            <th scope="col" className="number hidden md:table-cell">
              Fires at
            </th>
            <th scope="col" className="number hidden md:table-cell">
              Since
            </th>
            <th scope="col" className="hidden pl-6! md:table-cell">
              State
            </th>
            <th scope="col" className="hidden md:table-cell">
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
        <span className="mt-2 flex flex-col gap-2 text-xs font-normal md:hidden">
          <span className="figure text-soft">
            fires at {fires}; since <Time at={alert.openedAt} />
          </span>
          <Standing alert={alert} />
          <span className="flex flex-wrap gap-2">{actions}</span>
        </span>
      </th>
      <td className="number" title={`The worst of it: ${measured(alert.worst, unit)}`}>
        {measured(alert.value, unit)}
      </td>
      <td className="number hidden text-soft md:table-cell">{fires}</td>
      <td className="number hidden md:table-cell">
        <Time at={alert.openedAt} />
      </td>
      <td className="hidden min-w-36 pl-6! md:table-cell">
        <Standing alert={alert} />
      </td>
      <td className="hidden md:table-cell">
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
        <span key={line} className="inline-flex items-center gap-1.5">
          {line.startsWith("taken") ? <Icon name="check" className="text-good" /> : null}
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
