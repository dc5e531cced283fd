/** The part of JSON Schema that forms are made of; everything else is typed in as JSON. */
export interface FieldSchema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly FieldSchema[];
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  properties?: Readonly<Record<string, FieldSchema>>;
  required?: readonly string[];
}

export type Input =
  | { kind: "text" }
  | { kind: "number"; step: "1" | "any" }
  | { kind: "yes-no" }
  | { kind: "choice"; of: readonly string[] }
  | { kind: "json" };

/** How a value of this schema is typed in. */
export function inputOf(schema: FieldSchema): Input {
  const choices = schema.enum?.filter((value) => typeof value === "string");
  if (choices !== undefined && choices.length > 0 && choices.length === schema.enum?.length) return { kind: "choice", of: choices };
  switch (schema.type) {
    case "string":
      return { kind: "text" };
    case "integer":
      return { kind: "number", step: "1" };
    case "number":
      return { kind: "number", step: "any" };
    case "boolean":
      return { kind: "yes-no" };
    default:
      return { kind: "json" };
  }
}

/** The fields of an object's schema, those that are needed first. */
export function fieldsOf(schema: FieldSchema): { name: string; schema: FieldSchema; needed: boolean }[] {
  const needed = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {})
    .map(([name, field]) => ({ name, schema: field, needed: needed.has(name) }))
    .sort((a, b) => Number(b.needed) - Number(a.needed));
}

/** What was typed as the value of its schema; undefined when nothing was. Throws SyntaxError for JSON that is none. */
export function valueOf(schema: FieldSchema, text: string): unknown {
  if (text.trim() === "") return undefined;
  switch (inputOf(schema).kind) {
    case "number":
      return Number(text);
    case "yes-no":
      return text === "true";
    case "json":
      // "10%" of maxFailures and the like: a word where several kinds are allowed needs no quotes.
      try {
        return JSON.parse(text);
      } catch (error) {
        if (schema.anyOf?.some((each) => each.type === "string") === true) return text;
        throw error;
      }
    default:
      return text;
  }
}
