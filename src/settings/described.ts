import { type Config, loadConfig, SETTINGS } from "../config.ts";
import { DESCRIPTIONS } from "./descriptions.ts";
import { SETTING_FIELDS, type SettingField, type SettingValue } from "./table.ts";

/** Everything there is to know about one setting, for a form of it. */
export interface DescribedSetting {
  /** `category.field` */
  path: string;
  category: string;
  field: string;
  /** Of the environment, which overrides it. */
  variable: string;
  kind: "number" | "boolean" | "text" | "list";
  description: string;
  unit: string | null;
  /** Of a number. */
  range: { min: number; max: number; whole: boolean } | null;
  /** What is allowed, as a sentence; the same that a refusal says. */
  allowed: string;
  default: SettingValue;
  value: SettingValue;
  /** Where the value comes from; `env` and `flag` cannot be changed while the server runs. */
  origin: "default" | "runtime" | "env" | "flag";
}

const DEFAULTS = loadConfig({});

/** Every setting that can be changed while the server runs, in the order of the table. */
export function describedSettings(config: Config): DescribedSetting[] {
  return Object.entries(SETTING_FIELDS).flatMap(([category, fields]) =>
    Object.entries(fields).map(([name, field]) => described(category, name, field, config)),
  );
}

function described(category: string, name: string, field: SettingField, config: Config): DescribedSetting {
  const path = `${category}.${name}`;
  const { allowed, range } = SETTINGS[field.name];
  const value = field.of(config);
  const scale = field.thousandths === true ? 1_000 : 1;
  return {
    path,
    category,
    field: name,
    variable: field.name,
    kind: Array.isArray(value) ? "list" : typeof value === "string" ? "text" : typeof value === "boolean" ? "boolean" : "number",
    description: DESCRIPTIONS[path]?.says ?? "",
    unit: DESCRIPTIONS[path]?.unit ?? null,
    range: range === null ? null : { min: range.min * scale, max: range.max * scale, whole: range.whole || scale !== 1 },
    allowed: field.allowed ?? allowed,
    default: field.of(DEFAULTS),
    value,
    origin: config.origins[field.name],
  };
}
