import { BatchyardError } from "../../model/errors.ts";

/** What must be known of a JSON Schema before it is compiled. */
export interface SchemaSurvey {
  /** Assertion keywords, each at its place; each name in `required` is one. */
  rules: number;
  formats: Set<string>;
}

const MAX_DEPTH = 64;
const MAX_PLACES = 20_000;

const RULES = new Set(
  "type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern format maxItems minItems uniqueItems contains maxProperties minProperties dependentRequired not anyOf oneOf propertyNames".split(
    " ",
  ),
);
/** Where `false` means "nothing may stand here". */
const BOOLEAN_SCHEMAS = new Set(["additionalProperties", "unevaluatedProperties", "unevaluatedItems", "additionalItems", "items"]);
/** Their values map names to schemas: the names are no keywords. */
const MAPS = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"]);
/** Their values are data: a `$ref` in there refers to nothing. */
const DATA = new Set(["const", "enum", "default", "examples", "dependentRequired"]);
const REFERENCES = new Set(["$ref", "$dynamicRef", "$recursiveRef"]);

/** Throws schema_remote_ref or invalid_schema. Nothing is fetched, ever. */
export function surveySchema(schema: Record<string, unknown>): SchemaSurvey {
  const dialect = schema["$schema"];
  if (dialect !== undefined && (typeof dialect !== "string" || !/^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/.test(dialect))) {
    throw new BatchyardError("invalid_schema", {
      reason: `$schema is ${JSON.stringify(dialect)}; schemas are read as 2020-12, so write "https://json-schema.org/draft/2020-12/schema" or leave it out`,
    });
  }
  const survey: SchemaSurvey = { rules: 0, formats: new Set() };
  let places = 0;
  const visit = (value: unknown, depth: number): void => {
    if (depth > MAX_DEPTH) throw new BatchyardError("invalid_schema", { reason: `it is nested deeper than ${MAX_DEPTH} levels` });
    if (++places > MAX_PLACES) throw new BatchyardError("invalid_schema", { reason: `it has more than ${MAX_PLACES} parts` });
    if (value === false) survey.rules++;
    if (Array.isArray(value)) for (const part of value) visit(part, depth + 1);
    if (!isObject(value)) return;
    if (value["$async"] !== undefined) throw new BatchyardError("invalid_schema", { reason: "$async is not part of JSON Schema" });
    for (const [keyword, inner] of Object.entries(value)) {
      if (REFERENCES.has(keyword) && typeof inner === "string" && !inner.startsWith("#"))
        throw new BatchyardError("schema_remote_ref", { ref: inner });
      if (RULES.has(keyword) && inner !== false) survey.rules++;
      if (keyword === "required" && Array.isArray(inner)) survey.rules += inner.length;
      if (keyword === "format" && typeof inner === "string") survey.formats.add(inner);
      if (inner === false && BOOLEAN_SCHEMAS.has(keyword)) survey.rules++;
      if (DATA.has(keyword) || typeof inner === "boolean") continue;
      if (MAPS.has(keyword) && isObject(inner)) for (const part of Object.values(inner)) visit(part, depth + 2);
      else visit(inner, depth + 1);
    }
  };
  visit(schema, 0);
  return survey;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
