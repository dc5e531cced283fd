import { useId, type ReactElement } from "react";
import { type FieldSchema, inputOf } from "./schema.ts";

interface SchemaFieldProps {
  name: string;
  schema: FieldSchema;
  needed: boolean;
  value: string;
  fault: string | undefined;
  onChange: (value: string) => void;
}

/** One option, typed in as its schema asks. */
export function SchemaField({ name, schema, needed, value, fault, onChange }: SchemaFieldProps): ReactElement {
  const id = useId();
  const hint = schema.description ?? "";
  const input = inputOf(schema);
  const usual = schema.default === undefined ? undefined : JSON.stringify(schema.default).replaceAll('"', "");
  const shared = {
    id,
    value,
    required: needed,
    "aria-invalid": fault !== undefined,
    "aria-describedby": `${id}-hint`,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
  };
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {name} {needed ? null : <span className="font-normal text-soft">optional</span>}
      </label>
      {input.kind === "choice" || input.kind === "yes-no" ? (
        <select className="field" {...shared}>
          <option value="">{usual === undefined ? "" : `as usual (${usual})`}</option>
          {(input.kind === "choice" ? input.of : ["true", "false"]).map((choice) => (
            <option key={choice} value={choice}>
              {input.kind === "choice" ? choice : choice === "true" ? "yes" : "no"}
            </option>
          ))}
        </select>
      ) : input.kind === "json" ? (
        <textarea className="field font-mono text-sm" rows={4} placeholder="JSON" spellCheck={false} {...shared} />
      ) : (
        <input
          className="field"
          type={input.kind === "number" ? "number" : "text"}
          {...(input.kind === "number" ? { step: input.step, min: schema.minimum, max: schema.maximum } : {})}
          placeholder={usual}
          {...shared}
        />
      )}
      <span id={`${id}-hint`} className={`text-xs ${fault === undefined ? "text-soft" : "text-bad"}`}>
        {fault ?? hint}
      </span>
    </div>
  );
}
