import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { itemQuery } from "../../data/queries.ts";
import { CopyButton } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Fault, Loading } from "../../parts/notice.tsx";
import { save } from "../../parts/save.ts";

// Larger texts are no reading matter and would make the page heavy; the file has them whole.
const SHOWN_CHARACTERS = 64 * 1024;

/** What an item is and what came of it, side by side. */
export function Payload({ batchId, nodeId }: { batchId: string; nodeId: string }): ReactElement {
  const { data, error, refetch } = useQuery(itemQuery(batchId, nodeId));
  if (data === undefined)
    return (
      <div className="px-3">
        {error === null ? <Loading label="Loading the item" /> : <Fault error={error} retry={() => void refetch()} />}
      </div>
    );
  const outcome = data.result === null ? null : (data.result.result ?? data.result.error ?? null);
  return (
    <div className="grid gap-4 px-3 py-3 lg:grid-cols-2">
      <Json title="Item" file={`${nodeId}.json`} value={data.payload} />
      <Json title={data.result?.success === false ? "Error" : "Result"} file={`${nodeId}.result.json`} value={outcome} />
    </div>
  );
}

function Json({ title, file, value }: { title: string; file: string; value: unknown }): ReactElement {
  const text = JSON.stringify(value, null, 2) ?? "null";
  return (
    <div className="min-w-0">
      <p className="flex items-center justify-between text-sm text-soft">
        {title}
        <span className="flex items-center">
          <CopyButton text={text} what={title.toLowerCase()} />
          <button
            type="button"
            className="button button-quiet button-icon"
            aria-label={`Save the ${title.toLowerCase()} as a file`}
            title="Save as a file"
            onClick={() => save(file, "application/json", text)}
          >
            <Icon name="download" />
          </button>
        </span>
      </p>
      <pre tabIndex={0} aria-label={title} className="max-h-80 overflow-auto text-sm leading-5 break-words whitespace-pre-wrap">
        {text.slice(0, SHOWN_CHARACTERS)}
        {text.length > SHOWN_CHARACTERS ? `\n… ${text.length - SHOWN_CHARACTERS} more characters: save it as a file` : ""}
      </pre>
    </div>
  );
}
