import { useState, type ReactElement } from "react";
import { useNavigate } from "@tanstack/react-router";
import { ClientError, type DryRun, type OperationInfo, type Priority } from "batchyard/client";
import { client } from "../../data/client.ts";
import { count, plural } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { Fault } from "../../parts/notice.tsx";
import { type FieldSchema, fieldsOf } from "../../parts/schema.ts";
import { SchemaField } from "../../parts/schema-field.tsx";
import { toast } from "../../parts/toast.ts";
import { type Draft, drafted, EMPTY_DRAFT, type Faults } from "./draft.ts";
import { SourceFields } from "./source-fields.tsx";

const PRIORITIES: readonly Priority[] = ["critical", "high", "normal", "low"];

/** A form made of the operation's own schema; every fault is the server's, shown where it belongs. */
export function NewBatchForm({ operations, runOptions }: { operations: readonly OperationInfo[]; runOptions: FieldSchema }): ReactElement {
  const navigate = useNavigate();
  const [draft, setDraft] = useState<Draft>({ ...EMPTY_DRAFT, operation: operations[0]?.name ?? "" });
  const [file, setFile] = useState<File | null>(null);
  const [uploaded, setUploaded] = useState<{ file: File; id: string } | null>(null);
  const [faults, setFaults] = useState<Faults>({});
  const [error, setError] = useState<unknown>(null);
  const [tried, setTried] = useState<DryRun | null>(null);
  const [busy, setBusy] = useState<"dry" | "create" | null>(null);
  const operation = operations.find((each) => each.name === draft.operation) ?? operations[0];
  if (operation === undefined) return <p className="text-soft">This server has no operations.</p>;
  const change = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
    setTried(null);
  };
  const setOption = (name: string) => (value: string) => change({ options: { ...draft.options, [name]: value } });

  async function send(dry: boolean): Promise<void> {
    setBusy(dry ? "dry" : "create");
    setError(null);
    setFaults({});
    setTried(null);
    try {
      const made = drafted(draft, operation!, runOptions, draft.source === "file" ? await upload() : null);
      if ("faults" in made) return setFaults(made.faults);
      if (dry) return setTried(await client.dryRun(made.request, made.items));
      const batch = await client.create(made.request, made.items);
      toast("Batch created");
      await navigate({ to: "/batches/$id", params: { id: batch.id } });
    } catch (failure) {
      setError(failure);
      if (failure instanceof ClientError) setFaults(Object.fromEntries(failure.details.map((fault) => [fault.path, fault.message])));
    } finally {
      setBusy(null);
    }
  }

  /** Once for each file that was chosen. */
  async function upload(): Promise<string | null> {
    if (file === null) return null;
    if (uploaded?.file === file) return uploaded.id;
    const { id } = await client.files.upload(file.name, file, file.type === "" ? undefined : file.type);
    setUploaded({ file, id });
    return id;
  }

  const own = fieldsOf(operation.options);
  const names = new Set(own.map((field) => field.name));
  const shared = fieldsOf(runOptions).filter((field) => !names.has(field.name) && field.name !== "priority");
  const fieldOf = ({ name, schema, needed }: (typeof own)[number]): ReactElement => (
    <SchemaField
      key={name}
      name={name}
      schema={schema}
      needed={needed}
      value={draft.options[name] ?? ""}
      fault={faults[`options.${name}`]}
      onChange={setOption(name)}
    />
  );
  return (
    <form
      className="grid max-w-5xl gap-x-12 gap-y-8 lg:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]"
      onSubmit={(event) => {
        event.preventDefault();
        void send(false);
      }}
    >
      <div className="flex flex-col gap-5">
        <label className="flex flex-col gap-1 text-sm font-medium">
          Operation
          <select
            className="field font-normal"
            value={operation.name}
            onChange={(event) => change({ operation: event.target.value, options: {} })}
          >
            {operations.map((each) => (
              <option key={each.name}>{each.name}</option>
            ))}
          </select>
          <span className="text-xs font-normal text-soft">{operation.description}</span>
        </label>
        {own.map(fieldOf)}
        <div className="grid grid-cols-[minmax(0,1fr)_8rem] gap-3">
          <label className="flex flex-col gap-1 text-sm font-medium">
            <span>
              Name <span className="font-normal text-soft">optional</span>
            </span>
            <input
              className="field font-normal"
              value={draft.name}
              maxLength={200}
              onChange={(event) => change({ name: event.target.value })}
            />
          </label>
          <label className="flex flex-col gap-1 text-sm font-medium">
            Priority
            <select
              className="field font-normal"
              value={draft.priority}
              onChange={(event) => change({ priority: event.target.value as Priority })}
            >
              {PRIORITIES.map((priority) => (
                <option key={priority}>{priority}</option>
              ))}
            </select>
          </label>
        </div>
        <details className="border-t border-line pt-4">
          <summary className="text-sm font-medium">How it runs: {shared.length} more options</summary>
          <div className="mt-4 flex flex-col gap-4">{shared.map(fieldOf)}</div>
        </details>
      </div>
      <div className="flex flex-col gap-5">
        <SourceFields
          draft={draft}
          fault={faults["items"] ?? faults["input"]}
          file={file}
          onChange={change}
          onFile={(chosen) => {
            setFile(chosen);
            setTried(null);
          }}
        />
        {error === null ? null : <Fault error={error} />}
        {tried === null ? null : <Tried tried={tried} />}
        <div className="flex gap-2">
          <button type="submit" className="button button-main" disabled={busy !== null}>
            {busy === "create" ? "Creating …" : "Create batch"}
          </button>
          <button type="button" className="button" disabled={busy !== null} onClick={() => void send(true)}>
            {busy === "dry" ? "Checking …" : "Dry run"}
          </button>
        </div>
      </div>
    </form>
  );
}

function Tried({ tried }: { tried: DryRun }): ReactElement {
  return (
    <div role="status" className="flex flex-col gap-1 border-l-2 border-good py-1 pl-3 text-sm">
      <p className="inline-flex items-center gap-1.5 font-medium text-good">
        <Icon name="check" /> It would become a batch
      </p>
      <p className="figure text-soft">
        {plural(tried.items, "item")} in {plural(tried.chunks, "chunk")} of up to {count(tried.batchSize)}, {count(tried.bytes)} bytes
      </p>
      {tried.warnings.map((warning) => (
        <p key={warning} className="inline-flex items-center gap-1.5 text-warn">
          <Icon name="warning" /> {warning}
        </p>
      ))}
    </div>
  );
}
