import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { duration } from "../../figures/duration.ts";
import { plural } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { useAct } from "./act.ts";
import { limit, SEVERITY_LOOK } from "./look.ts";
import { acts, type Rule, type RuleDraft } from "./queries.ts";

// Opened more often than once a day: whoever is told of it stops to look.
const NOISY_A_DAY = 1;

/** Every rule as it is in force, how noisy it was, and whether it is on. */
export function RuleTable({ rules }: { rules: readonly Rule[] }): ReactElement {
  const act = useAct();
  const off = rules.filter((rule) => rule.recommended && !rule.enabled);
  const recommend = (
    <button
      type="button"
      className={`button ${rules.some((rule) => rule.enabled) ? "" : "button-main"}`}
      onClick={() => void act(`${plural(off.length, "rule is", "rules are")} on`, () => acts.enableRecommended())}
    >
      Turn on the {plural(off.length, "recommended rule")}
    </button>
  );
  return (
    <div className="flex flex-col gap-6">
      {rules.some((rule) => rule.enabled) ? null : (
        <div role="status" className="flex flex-wrap items-center gap-4 border-l-2 border-warn py-1 pl-3">
          <span className="min-w-64 flex-1">
            <strong className="font-medium">No rule is on.</strong> Nobody is told when something goes wrong.
          </span>
          {recommend}
        </div>
      )}
      <Section
        title="Rules"
        className="border-t-0! pt-0!"
        aside={
          <span className="flex flex-wrap items-center gap-2">
            {off.length > 0 && off.length < rules.length && rules.some((rule) => rule.enabled) ? recommend : null}
            <Link to="/alerts" search={{ tab: "rules", edit: "" }} className="button">
              <Icon name="plus" /> New rule
            </Link>
          </span>
        }
      >
        <Wide label="Rules">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Rule</th>
                <th scope="col" className="number">
                  Fires at
                </th>
                <th scope="col" className="number" title="How long it must be met before it fires, and be over before it ends">
                  For / keep
                </th>
                <th scope="col" className="pl-6!">
                  Severity
                </th>
                <th scope="col">Told</th>
                <th scope="col" className="number" title={`Times it opened in the last ${rules[0]?.noise.days ?? 7} days`}>
                  Opened, {rules[0]?.noise.days ?? 7} d
                </th>
                <th scope="col" className="pl-6!">
                  On
                </th>
                <th scope="col">
                  <span className="sr-only">Act</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rules.map((rule) => (
                <RuleRow key={rule.name} rule={rule} />
              ))}
            </tbody>
          </table>
        </Wide>
      </Section>
    </div>
  );
}

function RuleRow({ rule }: { rule: Rule }): ReactElement {
  const act = useAct();
  const { noise } = rule;
  const noisy = noise.episodes > noise.days * NOISY_A_DAY;
  return (
    <tr className="[&>*]:py-2.5! [&>*]:align-top">
      <th scope="row" className="min-w-64 text-left whitespace-normal!">
        <span className={rule.enabled ? "font-medium" : "font-medium text-soft"}>{rule.name}</span>
        {rule.changed ? <span className="ml-2 text-xs font-normal text-soft">{rule.name === rule.kind ? "changed" : "added"}</span> : null}
        <span className="mt-0.5 block max-w-lg text-xs font-normal text-soft">
          {rule.measures}
          {rule.instances === null ? "" : `; only ${rule.instances.join(", ")}`}
        </span>
      </th>
      <td className="number" title={rule.thresholdFrom === "settings" ? "As the settings have it" : "The rule's own"}>
        {limit(rule.threshold, rule)}
      </td>
      <td className="number align-top text-soft">
        {rule.forSeconds === 0 ? "at once" : duration(rule.forSeconds * 1000)} /{" "}
        {rule.keepSeconds === 0 ? "at once" : duration(rule.keepSeconds * 1000)}
      </td>
      <td className="pl-6!">
        <Status look={SEVERITY_LOOK[rule.severity]} />
      </td>
      <td className="align-top text-soft">
        {rule.frequency === "immediate" ? "at once" : rule.frequency}
        {rule.channels === null ? "" : rule.channels.length === 0 ? ", nobody" : `, ${rule.channels.join(", ")}`}
      </td>
      <td
        className={`number ${noisy ? "text-warn" : noise.episodes === 0 ? "text-soft" : ""}`}
        title={`Somebody was told ${plural(noise.told, "time")}`}
      >
        {noisy ? (
          <span className="inline-flex items-center gap-1">
            <Icon name="warning" /> {noise.episodes}
            <span className="sr-only">, noisy</span>
          </span>
        ) : (
          noise.episodes
        )}
      </td>
      <td className="pl-6!">
        <input
          type="checkbox"
          role="switch"
          aria-label={`${rule.name} is on`}
          className="mt-0.5 block size-4 accent-accent"
          checked={rule.enabled}
          onChange={(event) => {
            const enabled = event.target.checked;
            void act(`${rule.name} is ${enabled ? "on" : "off"}`, () => acts.saveRule({ ...draftOf(rule), enabled }));
          }}
        />
      </td>
      <td className="text-right">
        <Link to="/alerts" search={{ tab: "rules", edit: rule.name }} aria-label={`Change ${rule.name}`} className="button -my-1.5">
          Change
        </Link>
      </td>
    </tr>
  );
}

/** A rule as it is saved; a threshold of the settings stays theirs. */
export function draftOf(rule: Rule): RuleDraft {
  const { name, kind, threshold, thresholdFrom, forSeconds, keepSeconds, severity, frequency, channels, instances, enabled } = rule;
  return {
    name,
    kind,
    threshold: thresholdFrom === "settings" ? null : threshold,
    forSeconds,
    keepSeconds,
    severity,
    frequency,
    channels,
    instances,
    enabled,
  };
}
