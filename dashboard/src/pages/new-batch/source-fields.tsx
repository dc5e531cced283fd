import { useId, type ReactElement } from "react";
import { count } from "../../figures/number.ts";
import type { Draft, Source } from "./draft.ts";

interface SourceFieldsProps {
  draft: Draft;
  fault: string | undefined;
  file: File | null;
  onChange: (part: Partial<Draft>) => void;
  onFile: (file: File | null) => void;
}

const SOURCES: readonly { source: Source; label: string }[] = [
  { source: "typed", label: "Type or paste" },
  { source: "file", label: "Upload a file" },
  { source: "collection", label: "A collection" },
];

/** Where the items come from. */
export function SourceFields({ draft, fault, file, onChange, onFile }: SourceFieldsProps): ReactElement {
  const id = useId();
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="mb-1 text-sm font-medium">Items</legend>
      <div className="flex flex-wrap gap-x-5 gap-y-1 text-sm">
        {SOURCES.map(({ source, label }) => (
          <label key={source} className="inline-flex items-center gap-2">
            <input
              type="radio"
              name={`${id}-source`}
              className="size-4 accent-accent"
              checked={draft.source === source}
              onChange={() => onChange({ source })}
            />
            {label}
          </label>
        ))}
      </div>
      {draft.source === "typed" ? (
        <textarea
          aria-label="Items as JSON"
          aria-describedby={id}
          aria-invalid={fault !== undefined}
          className="field font-mono text-sm"
          rows={12}
          spellCheck={false}
          placeholder={'{"id":"1","name":"first"}\n{"id":"2","name":"second"}'}
          value={draft.typed}
          onChange={(event) => onChange({ typed: event.target.value })}
        />
      ) : draft.source === "file" ? (
        <input
          type="file"
          aria-label="File with items"
          aria-describedby={id}
          required
          accept=".csv,.json,.jsonl,.ndjson,.xlsx"
          className="field file:mr-3 file:rounded-sm file:border-0 file:bg-wash file:px-2 file:py-1 file:text-ink"
          onChange={(event) => onFile(event.target.files?.[0] ?? null)}
        />
      ) : (
        <input
          aria-label="Name of the collection"
          aria-describedby={id}
          required
          className="field"
          placeholder="products"
          value={draft.collection}
          onChange={(event) => onChange({ collection: event.target.value })}
        />
      )}
      <span id={id} className={`text-xs ${fault === undefined ? "text-soft" : "text-bad"}`}>
        {fault ?? hintOf(draft.source, file)}
      </span>
    </fieldset>
  );
}

function hintOf(source: Source, file: File | null): string {
  if (source === "typed") return "One JSON object a line, or a JSON array. An item's key is its id, nodeId or custom_id.";
  if (source === "collection") return "Every record of it.";
  return file === null ? "CSV, XLSX, JSON or JSON lines." : `${file.name}, ${count(file.size)} bytes`;
}
