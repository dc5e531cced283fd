import { BatchyardError } from "../../model/errors.ts";
import { OperationError } from "../../model/failure.ts";

/** `.` is the item itself, anything else a path of field names and indexes: `author.name`, `tags.0`. */
const PLACE = /^(\.|[^\s.{}]+(\.[^\s.{}]+)*)$/;

/** A text with places for fields of an item. */
export interface PromptTemplate {
  /** True when no field has a place in it. */
  readonly isFixed: boolean;
  /** Texts stand as they are, other values as JSON. Throws OperationError `unknown_field` (category data) for a field the item does not have. */
  render(item: unknown): string;
}

/**
 * `{{field.path}}` is replaced by the field's value, `{{.}}` by the whole item as JSON. Nothing is evaluated, and what a value says
 * is not looked at again. Throws invalid_expression for a place that names no field.
 */
export function compilePrompt(text: string): PromptTemplate {
  const texts: string[] = [];
  const paths: string[] = [];
  let from = 0;
  for (let open = text.indexOf("{{"); open >= 0; open = text.indexOf("{{", from)) {
    const close = text.indexOf("}}", open);
    if (close < 0) throw refusal(`the '{{' at character ${open + 1} has no '}}'`);
    const path = text.slice(open + 2, close).trim();
    if (!PLACE.test(path))
      throw refusal(`'{{${path.slice(0, 100)}}}' names no field; write {{title}}, {{author.name}}, {{tags.0}} or {{.}}`);
    texts.push(text.slice(from, open));
    paths.push(path);
    from = close + 2;
  }
  const tail = text.slice(from);
  return {
    isFixed: paths.length === 0,
    render: (item) => texts.map((part, index) => part + shown(item, paths[index]!)).join("") + tail,
  };
}

function shown(item: unknown, path: string): string {
  const value = path === "." ? item : path.split(".").reduce<unknown>((at, name) => fieldOf(at, name, path), item);
  return typeof value === "string" ? value : JSON.stringify(value);
}

function fieldOf(value: unknown, name: string, path: string): unknown {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
  throw new OperationError(`The prompt asks for the field '${path}', which the item does not have`, {
    code: "unknown_field",
    category: "data",
  });
}

function refusal(reason: string): BatchyardError {
  return new BatchyardError("invalid_expression", { reason });
}
