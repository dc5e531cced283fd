import { RULE_FIELDS, ruleOf, type RuleField } from "../../streams/rule-fields.tsx";
import { type FieldSchema, fieldsOf, valueOf } from "../../parts/schema.ts";

/** What was typed so far; every value as its text. */
export interface StreamDraft {
  name: string;
  operation: string;
  keyField: string;
  idField: string;
  rules: Readonly<Partial<Record<RuleField["name"], string>>>;
  options: Readonly<Record<string, string>>;
}

export const EMPTY_STREAM: StreamDraft = {
  name: "",
  operation: "",
  keyField: "",
  idField: "",
  rules: { windowSeconds: "60" },
  options: {},
};

/** The definition a draft is, or what keeps it from being one; whether it is a good one the server says. */
export function definitionFrom(
  draft: StreamDraft,
  optionsSchema: FieldSchema,
): { definition: Record<string, unknown> } | { faults: Record<string, string> } {
  const faults: Record<string, string> = {};
  const options: Record<string, unknown> = {};
  for (const { name, schema } of fieldsOf(optionsSchema)) {
    try {
      const value = valueOf(schema, draft.options[name] ?? "");
      if (value !== undefined) options[name] = value;
    } catch {
      faults[`options.${name}`] = "This is not JSON";
    }
  }
  if (Object.keys(faults).length > 0) return { faults };
  const rules = RULE_FIELDS.flatMap((field) => {
    const value = ruleOf(field, draft.rules[field.name] ?? "");
    return value === null ? [] : [[field.name, value] as const];
  });
  const texts = (["keyField", "idField"] as const).flatMap((name) =>
    draft[name].trim() === "" ? [] : [[name, draft[name].trim()] as const],
  );
  return {
    definition: {
      operation: draft.operation,
      ...(Object.keys(options).length === 0 ? {} : { options }),
      ...Object.fromEntries([...texts, ...rules]),
    },
  };
}
