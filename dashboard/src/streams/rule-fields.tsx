import { useId, type ReactElement, type ReactNode } from "react";

/** A rule of a stream: what says when its windows close. */
export interface RuleField {
  name: "windowSeconds" | "idleTimeoutSeconds" | "maxItems" | "maxBytes" | "minItems" | "maxWaitSeconds" | "schedule";
  label: string;
  unit: "s" | "items" | "bytes" | "cron, UTC";
  hint: string;
}

export const RULE_FIELDS: readonly RuleField[] = [
  { name: "windowSeconds", label: "Window", unit: "s", hint: "closes so long after its first item" },
  { name: "idleTimeoutSeconds", label: "Idle timeout", unit: "s", hint: "closes so long after its last item" },
  { name: "maxItems", label: "Most items", unit: "items", hint: "the item that makes it so large closes it" },
  { name: "maxBytes", label: "Most bytes", unit: "bytes", hint: "the item that reaches them closes it" },
  { name: "minItems", label: "Fewest items", unit: "items", hint: "fewer are held past age and idle time" },
  { name: "maxWaitSeconds", label: "Longest wait", unit: "s", hint: "a held window closes so long after its first item" },
  { name: "schedule", label: "Schedule", unit: "cron, UTC", hint: "closes what is open then, such as */5\u00a0*\u00a0*\u00a0*\u00a0*" },
];

/** Said beside the label where the label does not say it. */
const UNITS: Readonly<Record<RuleField["unit"], string>> = { s: "seconds", items: "", bytes: "", "cron, UTC": "cron, UTC" };

interface RuleInputProps {
  field: RuleField;
  value: string;
  fault: string | undefined;
  /** Why it can not be changed here; the value is shown all the same. */
  locked?: string | undefined;
  aside?: ReactNode;
  onChange: (value: string) => void;
}

/** One rule, typed in; empty = there is no such rule. The server says what is wrong with it. */
export function RuleInput({ field, value, fault, locked, aside, onChange }: RuleInputProps): ReactElement {
  const id = useId();
  const isCron = field.unit === "cron, UTC";
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className="flex flex-wrap items-baseline justify-between gap-x-2 text-sm font-medium">
        <span>
          {field.label} <span className="font-normal text-soft">{UNITS[field.unit]}</span>
        </span>
        {aside}
      </label>
      <input
        id={id}
        className="field figure"
        type={isCron ? "text" : "number"}
        {...(isCron ? {} : { min: 0, step: field.unit === "s" ? "any" : 1 })}
        placeholder="no rule"
        value={value}
        readOnly={locked !== undefined}
        aria-invalid={fault !== undefined}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      <span id={`${id}-hint`} className={`text-xs ${fault === undefined ? "text-soft" : "text-bad"}`}>
        {fault === undefined ? (locked ?? field.hint) : `${field.name} ${fault}`}
      </span>
    </div>
  );
}

/** What was typed as the server takes it; null where there is no such rule. */
export function ruleOf(field: RuleField, text: string): number | string | null {
  const typed = text.trim();
  if (typed === "") return null;
  return field.unit === "cron, UTC" ? typed : Number(typed);
}
