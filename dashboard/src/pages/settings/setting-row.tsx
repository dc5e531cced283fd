import { useId, type ReactElement } from "react";
import { count } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { fieldValue } from "./draft.ts";
import type { Setting } from "./queries.ts";

interface SettingRowProps {
  setting: Setting;
  /** Path of the first setting of the same variable: only there it is changed. */
  same: string;
  typed: string | boolean | undefined;
  isChanged: boolean;
  fault: string | undefined;
  mayChange: boolean;
  onType: (value: string | boolean) => void;
}

export function SettingRow({ setting, same, typed, isChanged, fault, mayChange, onType }: SettingRowProps): ReactElement {
  const { path, kind, description, unit, range, variable, origin } = setting;
  const id = useId();
  const isFixed = origin === "env" || origin === "flag";
  const value = typed ?? fieldValue(setting);
  const byDefault = fieldValue({ value: setting.default });
  const field = {
    id,
    "aria-describedby": `${id}-hint`,
    "aria-invalid": fault !== undefined,
    disabled: isFixed || !mayChange,
  };
  return (
    <li
      className={`grid gap-x-8 gap-y-2 border-b border-line py-4 last:border-b-0 md:grid-cols-[minmax(0,1fr)_20rem] ${isChanged ? "border-l-2 border-l-accent pl-3" : ""}`}
    >
      <div className="flex min-w-0 flex-col gap-1">
        <label htmlFor={same === path ? id : undefined} className="flex flex-wrap items-baseline gap-x-2 font-medium">
          {titleOf(setting.field)}
          <code className="text-xs font-normal text-soft">{path}</code>
          {origin === "runtime" ? <span className="rounded-sm bg-wash px-1.5 text-xs font-medium text-accent">changed here</span> : null}
        </label>
        <p className="text-sm text-soft">{description}</p>
        {isFixed ? (
          <p className="inline-flex items-center gap-1.5 text-sm text-warn">
            <Icon name="slash" /> Set by {origin === "env" ? `${variable} in the environment` : `a flag (${variable})`}; it cannot be
            changed here
          </p>
        ) : null}
      </div>
      {same === path ? (
        <div className="flex min-w-0 flex-col gap-1">
          {kind === "boolean" ? (
            <select {...field} className="field" value={String(value)} onChange={(event) => onType(event.target.value === "true")}>
              <option value="true">on</option>
              <option value="false">off</option>
            </select>
          ) : (
            <span className="flex items-center gap-2">
              <input
                {...field}
                className={`field min-w-0 ${kind === "number" ? "figure" : ""}`}
                inputMode={kind === "number" ? "decimal" : "text"}
                value={String(value)}
                onChange={(event) => onType(event.target.value)}
              />
              {unit === null ? null : <span className="w-16 shrink-0 text-sm text-soft">{unit}</span>}
            </span>
          )}
          <span className="flex items-baseline justify-between gap-2 text-xs">
            <span id={`${id}-hint`} className={fault === undefined ? "text-soft" : "text-bad"}>
              {fault ?? hintOf(setting, range)}
            </span>
            {isFixed || !mayChange || value === byDefault ? null : (
              <button
                type="button"
                aria-label={`Default of ${titleOf(setting.field)}`}
                className="shrink-0 text-soft underline underline-offset-2 hover:text-ink"
                onClick={() => onType(byDefault)}
              >
                Default
              </button>
            )}
          </span>
        </div>
      ) : (
        <p className="text-sm text-soft">
          {String(fieldValue(setting))} {unit}; changed as <code>{same}</code>
        </p>
      )}
    </li>
  );
}

function hintOf(setting: Setting, range: Setting["range"]): string {
  const byDefault = fieldValue({ value: setting.default });
  const shown = typeof byDefault === "boolean" ? (byDefault ? "on" : "off") : byDefault;
  return `${range === null ? "" : `${plain(range.min)} to ${plain(range.max)} · `}default ${shown}`;
}

function plain(value: number): string {
  return Number.isInteger(value) ? count(value) : String(value);
}

/** `window_seconds` → "Window seconds" */
function titleOf(field: string): string {
  return field.charAt(0).toUpperCase() + field.slice(1).replaceAll("_", " ");
}
