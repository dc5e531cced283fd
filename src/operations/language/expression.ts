import jsonata from "jsonata";
import { BatchyardError } from "../../model/errors.ts";
import { OperationError } from "../../model/failure.ts";
import { LinearRegExp } from "./linear-regexp.ts";

export interface Expression {
  /** The value for one item; throws OperationError (`expression_failed`, `expression_timeout`, `no_value`). */
  evaluate(item: unknown): Promise<unknown>;
}

/** JSONata runs on the event loop's own thread: everything else waits for as long as one item may take. */
const MAX_EVALUATION_MS = 1000;
const MAX_STACK = 500;
const MAX_SEQUENCE = 1_000_000;
const MAX_PADDED = 1_000_000;
const MAX_EXPRESSION_LENGTH = 65_536;

const compiled = new Map<string, Expression>();
const MAX_COMPILED = 100;

/** Compiles a JSONata expression, bounded in time, depth and size of sequences. Throws invalid_expression. */
export function compileExpression(text: string): Expression {
  const known = compiled.get(text);
  if (known !== undefined) {
    compiled.delete(text);
    compiled.set(text, known);
    return known;
  }
  const fresh = compile(text);
  compiled.set(text, fresh);
  if (compiled.size > MAX_COMPILED) compiled.delete(compiled.keys().next().value!);
  return fresh;
}

function compile(text: string): Expression {
  if (text.length > MAX_EXPRESSION_LENGTH)
    throw new BatchyardError("invalid_expression", { reason: `it is longer than ${MAX_EXPRESSION_LENGTH} characters` });
  let expression: jsonata.Expression;
  try {
    expression = jsonata(text, {
      timeout: MAX_EVALUATION_MS,
      stack: MAX_STACK,
      sequence: MAX_SEQUENCE,
      // Only `exec` and `lastIndex` are used of it.
      RegexEngine: LinearRegExp as unknown as RegExpConstructor,
    });
    refuseBacktracking(expression.ast(), new Set());
  } catch (error) {
    throw new BatchyardError("invalid_expression", { reason: reasonOf(error) }, { cause: error });
  }
  expression.registerFunction("pad", pad, "<s-ns?:s>");
  return {
    async evaluate(item) {
      let value: unknown;
      try {
        value = (await expression.evaluate(item)) as unknown;
      } catch (error) {
        const timeout = codeOf(error) === "D1012";
        throw new OperationError(
          timeout ? `The expression ran longer than ${MAX_EVALUATION_MS} ms on this item` : `The expression failed: ${reasonOf(error)}`,
          {
            code: timeout ? "expression_timeout" : "expression_failed",
            category: "data",
            cause: error,
          },
        );
      }
      if (value === undefined)
        throw new OperationError("The expression has no value for this item; give a default, as in `price ? price : 0`", {
          code: "no_value",
          category: "data",
        });
      if (typeof value === "function" || isLambda(value))
        throw new OperationError("The expression's value is a function; call it, as in `$f()`", { code: "no_value", category: "data" });
      return value;
    },
  };
}

/** How JSONata represents a function that an expression defines. */
function isLambda(value: unknown): boolean {
  return typeof value === "object" && value !== null && "_jsonata_lambda" in value;
}

/** Patterns are checked before anything runs. */
function refuseBacktracking(node: unknown, seen: Set<unknown>): void {
  if (typeof node !== "object" || node === null || seen.has(node)) return;
  seen.add(node);
  if (node instanceof RegExp) new LinearRegExp(node);
  else for (const part of Object.values(node)) refuseBacktracking(part, seen);
}

/** JSONata's own `$pad` allocates whatever width it is asked for. */
function pad(text: string | undefined, width: number, fill = " "): string | undefined {
  if (text === undefined) return undefined;
  const length = Math.trunc(width);
  if (Math.abs(length) > MAX_PADDED) throw new RangeError(`$pad to ${width} is more than ${MAX_PADDED} characters`);
  const missing = Math.abs(length) - Array.from(text).length;
  if (missing <= 0) return text;
  const characters = Array.from(fill === "" ? " " : fill);
  const padding =
    characters.length === 1
      ? characters[0]!.repeat(missing)
      : Array.from({ length: missing }, (_, index) => characters[index % characters.length]).join("");
  return length > 0 ? text + padding : padding + text;
}

/** JSONata throws plain objects: `{code, message, position, token}`. */
function reasonOf(error: unknown): string {
  const { message, position } = (typeof error === "object" && error !== null ? error : {}) as { message?: unknown; position?: unknown };
  const text = typeof message === "string" ? message : String(error);
  return typeof position === "number" ? `${text} (at character ${position})` : text;
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
