import { useId, useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ClientError } from "batchyard/client";
import { client } from "../../data/client.ts";
import { operationsQuery } from "../../data/queries.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Awaited, Fault } from "../../parts/notice.tsx";
import { RULE_FIELDS, RuleInput } from "../../streams/rule-fields.tsx";
import { fieldsOf } from "../../parts/schema.ts";
import { SchemaField } from "../../parts/schema-field.tsx";
import { TextField } from "../../parts/text-field.tsx";
import { toast } from "../../parts/toast.ts";
import { definitionFrom, EMPTY_STREAM, type StreamDraft } from "./stream-draft.ts";

const FORM = "new-stream";
/** Enough for most; the rest is in the rules of the stream. */
const FIRST_RULES = RULE_FIELDS.slice(0, 3);
const MORE_RULES = RULE_FIELDS.slice(3);

/** A form for a definition; the server says what is wrong with it. `names`: those that are taken. */
export function NewStream({ names, onClose }: { names: readonly string[]; onClose: () => void }): ReactElement {
  const id = useId();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const { data, error: loading, refetch } = useQuery(operationsQuery);
  const [draft, setDraft] = useState<StreamDraft>(EMPTY_STREAM);
  const [faults, setFaults] = useState<Readonly<Record<string, string>>>({});
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const operations = data?.operations ?? [];
  const operation = operations.find((each) => each.name === draft.operation) ?? operations[0];
  const options = operation === undefined ? [] : fieldsOf(operation.options);
  const needed = options.filter((field) => field.needed);
  const change = (part: Partial<StreamDraft>): void => setDraft({ ...draft, ...part });

  async function create(): Promise<void> {
    if (operation === undefined) return;
    setError(null);
    setFaults({});
    const name = draft.name.trim();
    if (names.includes(name)) return setFaults({ name: "is taken: a stream of this name is there already" });
    const made = definitionFrom({ ...draft, operation: operation.name }, operation.options);
    if ("faults" in made) return setFaults(made.faults);
    setBusy(true);
    try {
      const stream = await client.streams.put(name, made.definition);
      toast(`Stream ${stream.name} created`);
      await cache.invalidateQueries({ queryKey: ["streams"] });
      await navigate({ to: "/streams/$name", params: { name: stream.name } });
    } catch (failure) {
      setError(failure);
      if (failure instanceof ClientError) setFaults(Object.fromEntries(failure.details.map((fault) => [fault.path, fault.message])));
    } finally {
      setBusy(false);
    }
  }

  const optionField = ({ name, schema, needed: isNeeded }: (typeof options)[number]): ReactElement => (
    <SchemaField
      key={name}
      name={name}
      schema={schema}
      needed={isNeeded}
      value={draft.options[name] ?? ""}
      fault={faults[`options.${name}`]}
      onChange={(value) => change({ options: { ...draft.options, [name]: value } })}
    />
  );
  const ruleInput = (field: (typeof RULE_FIELDS)[number]): ReactElement => (
    <RuleInput
      key={field.name}
      field={field}
      value={draft.rules[field.name] ?? ""}
      fault={faults[field.name]}
      onChange={(value) => change({ rules: { ...draft.rules, [field.name]: value } })}
    />
  );
  return (
    <Dialog
      title="New stream"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            Do not create
          </button>
          <button type="submit" form={FORM} className="button button-main" disabled={busy || operation === undefined}>
            {busy ? "Creating …" : "Create stream"}
          </button>
        </>
      }
    >
      {data === undefined ? (
        <Awaited error={loading} lines={5} label="Loading operations" retry={() => void refetch()} />
      ) : (
        <form
          id={FORM}
          className="flex flex-col gap-5"
          onSubmit={(event) => {
            event.preventDefault();
            void create();
          }}
        >
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField
              label="Name"
              value={draft.name}
              fault={faults["name"]}
              hint="stands in the address items are sent to"
              needed
              onChange={(name) => change({ name })}
            />
            <div className="flex flex-col gap-1">
              <label htmlFor={`${id}-operation`} className="text-sm font-medium">
                Operation
              </label>
              <select
                id={`${id}-operation`}
                className="field"
                aria-describedby={`${id}-operation-hint`}
                value={operation?.name}
                onChange={(event) => change({ operation: event.target.value, options: {} })}
              >
                {operations.map((each) => (
                  <option key={each.name}>{each.name}</option>
                ))}
              </select>
              <span id={`${id}-operation-hint`} className="text-xs text-soft">
                {faults["operation"] ?? operation?.description}
              </span>
            </div>
            <TextField
              label="Key field"
              value={draft.keyField}
              fault={faults["keyField"]}
              hint="field whose value names the window; without it there is one window at a time"
              onChange={(keyField) => change({ keyField })}
            />
            <TextField
              label="Id field"
              value={draft.idField}
              fault={faults["idField"]}
              hint="field that is the item's id; without it nodeId, id, custom_id, else a number"
              onChange={(idField) => change({ idField })}
            />
          </div>
          {needed.map(optionField)}
          <fieldset className="flex flex-col gap-3">
            <legend className="mb-2 text-sm font-semibold">A window closes by the first of these</legend>
            <div className="grid gap-4 sm:grid-cols-3">{FIRST_RULES.map(ruleInput)}</div>
          </fieldset>
          <details>
            <summary className="text-sm font-medium">More rules</summary>
            <div className="mt-3 grid gap-4 sm:grid-cols-2">{MORE_RULES.map(ruleInput)}</div>
          </details>
          {options.length > needed.length ? (
            <details>
              <summary className="text-sm font-medium">Options of {operation?.name}</summary>
              <div className="mt-3 flex flex-col gap-4">{options.filter((field) => !field.needed).map(optionField)}</div>
            </details>
          ) : null}
          {error === null ? null : <Fault error={error} />}
        </form>
      )}
    </Dialog>
  );
}
