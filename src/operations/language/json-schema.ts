import { Ajv2020 } from "ajv/dist/2020.js";
import type { ErrorObject, Options, SchemaObject, ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { BatchyardError } from "../../model/errors.ts";
import type { Fault } from "../../model/errors.ts";
import { LinearRegExp } from "./linear-regexp.ts";
import { surveySchema } from "./schema-survey.ts";
import type { SchemaSurvey } from "./schema-survey.ts";

type RegExpEngine = NonNullable<NonNullable<Options["code"]>["regExp"]>;

/** What a schema says about one value. */
export interface Verdict {
  valid: boolean;
  /** The first 100. `path` is dotted, `code` the keyword. */
  errors: Fault[];
  /** 0..1, see qualityScore in compileSchema. */
  qualityScore: number;
}

export interface CompiledSchema {
  check(value: unknown): Verdict;
  /** `format`s nothing knows, which therefore check nothing. */
  unknownFormats: string[];
}

const MAX_ERRORS = 100;
const VALID: Verdict = Object.freeze({ valid: true, errors: [], qualityScore: 1 });

/** Compiled schemas by their text; a server runs many chunks with few schemas. Oldest used goes first. */
const compiled = new Map<string, CompiledSchema>();
const MAX_COMPILED = 100;

/**
 * Compiles a JSON Schema 2020-12. `coerce` lets texts stand for numbers and booleans (CSV cells) and changes the value checked.
 *
 * qualityScore = 1 − broken rules ÷ rules of the schema. A rule is one assertion keyword (`type`, `minimum`, `pattern`, …) at one
 * place of the schema, each name in `required` being one of its own; a rule that many array elements break counts once.
 *
 * Throws schema_remote_ref for a `$ref` that leaves the schema, invalid_schema for whatever else cannot be compiled.
 */
export function compileSchema(schema: Record<string, unknown>, coerce: boolean): CompiledSchema {
  // First, because it bounds the depth of what is made a text of.
  const survey = surveySchema(schema);
  const id = `${coerce}${JSON.stringify(schema)}`;
  const known = compiled.get(id);
  if (known !== undefined) {
    compiled.delete(id);
    compiled.set(id, known);
    return known;
  }
  const fresh = compile(schema, coerce, survey);
  compiled.set(id, fresh);
  if (compiled.size > MAX_COMPILED) compiled.delete(compiled.keys().next().value!);
  return fresh;
}

function compile(schema: Record<string, unknown>, coerce: boolean, survey: SchemaSurvey): CompiledSchema {
  // One for each schema: ajv keeps the schemas and ids it has seen, so that two of one `$id` would collide and none ever went.
  const ajv = newCompiler(coerce);
  let validate: ValidateFunction;
  try {
    validate = ajv.compile(schema as SchemaObject);
  } catch (error) {
    throw new BatchyardError("invalid_schema", { reason: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
  return {
    check: (value) => (validate(value) ? VALID : verdictOf(validate.errors ?? [], survey.rules)),
    unknownFormats: [...survey.formats].filter((format) => !Object.hasOwn(ajv.formats, format)),
  };
}

/** Applicators report that something inside them failed; only what is a rule by itself is counted. */
const NOT_RULES = new Set(["if", "$ref", "$dynamicRef"]);

function verdictOf(found: ErrorObject[], rules: number): Verdict {
  const broken = new Set<string>();
  for (const error of found) {
    if (!NOT_RULES.has(error.keyword))
      broken.add(error.keyword === "required" ? `${error.schemaPath} ${String(error.params["missingProperty"])}` : error.schemaPath);
  }
  return {
    valid: false,
    errors: found.slice(0, MAX_ERRORS).map(faultOf),
    qualityScore: rules === 0 ? 0 : Math.max(0, 1 - broken.size / rules),
  };
}

function faultOf(error: ErrorObject): Fault {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const { missingProperty, additionalProperty, unevaluatedProperty, allowedValues, allowedValue } = error.params as Record<string, unknown>;
  let message = error.message ?? "is not valid";
  if (error.keyword === "required") {
    path.push(String(missingProperty));
    message = "is required";
  } else if (error.keyword === "additionalProperties" || error.keyword === "unevaluatedProperties") {
    path.push(String(additionalProperty ?? unevaluatedProperty));
    message = "is not allowed";
  } else if (error.keyword === "enum" && Array.isArray(allowedValues)) {
    message = `must be one of ${allowedValues
      .slice(0, 10)
      .map((value) => JSON.stringify(value))
      .join(", ")}${allowedValues.length > 10 ? ", …" : ""}`;
  } else if (error.keyword === "const") {
    message = `must be ${JSON.stringify(allowedValue)}`;
  }
  return { path: path.join("."), message: message.slice(0, 500), code: error.keyword };
}

function newCompiler(coerceTypes: boolean): Ajv2020 {
  const linear = ((pattern: string) => new LinearRegExp(pattern)) as unknown as RegExpEngine;
  linear.code = "LinearRegExp";
  const ajv = new Ajv2020({ allErrors: true, strict: false, coerceTypes, ownProperties: true, logger: false, code: { regExp: linear } });
  // The package's own type says `default` where Node hands out the function itself.
  (addFormats as unknown as (target: Ajv2020) => Ajv2020)(ajv);
  // Both built-in ones take quadratic time: 3 s for a `url` of 100 KB, hours for an array of 100,000 objects.
  ajv.addFormat("url", { type: "string", validate: (text: string) => /^(?:https?|ftp):\/\//i.test(text) && URL.canParse(text) });
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    error: { message: "must NOT have duplicate items" },
    validate: (wanted: boolean, items: unknown[]) => !wanted || new Set(items.map(canonical)).size === items.length,
  });
  return ajv;
}

/** One text for equal JSON values: the order of an object's keys does not matter. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}
