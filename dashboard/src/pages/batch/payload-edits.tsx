import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { itemQuery } from "../../data/queries.ts";
import { messageOf } from "../../parts/notice.tsx";

/** Another payload for one item, as JSON text. */
export interface Edit {
  key: string;
  text: string;
}

// More is the work of a file: `batchyard replay --edit`.
const MOST_EDITS = 5;

/** A few payloads to change before they are sent again. */
export function PayloadEdits(props: {
  batchId: string;
  edits: readonly Edit[];
  /** Given what they are by then: a payload is loaded for a while. */
  onChange: (change: (edits: readonly Edit[]) => readonly Edit[]) => void;
}): ReactElement {
  const { batchId, edits, onChange } = props;
  const cache = useQueryClient();
  const [fault, setFault] = useState<string | null>(null);
  async function add(key: string): Promise<void> {
    setFault(null);
    try {
      const { payload } = await cache.fetchQuery(itemQuery(batchId, key));
      onChange((now) => [...now.filter((edit) => edit.key !== key), { key, text: JSON.stringify(payload, null, 2) }]);
    } catch (error) {
      setFault(`${key}: ${messageOf(error)}`);
    }
  }
  return (
    <div className="flex flex-col gap-3">
      <p className="text-sm font-medium">
        Change payloads <span className="font-normal text-soft">optional</span>
      </p>
      {edits.map(({ key, text }) => (
        <div key={key} className="flex flex-col gap-1">
          <span className="flex items-center justify-between gap-3 text-sm">
            <code className="min-w-0 truncate">{key}</code>
            <button
              type="button"
              className="button"
              aria-label={`Leave ${key} as it is`}
              onClick={() => onChange((now) => now.filter((edit) => edit.key !== key))}
            >
              Leave as it is
            </button>
          </span>
          <Payload
            label={`Payload of ${key}`}
            text={text}
            onLeave={(typed) => onChange((now) => now.map((edit) => (edit.key === key ? { key, text: typed } : edit)))}
          />
        </div>
      ))}
      {edits.length >= MOST_EDITS ? (
        <p className="text-sm text-soft">
          More than {MOST_EDITS} come from a file: <code>batchyard replay {batchId} --edit FILE</code>
        </p>
      ) : (
        <form
          className="flex flex-wrap gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            const key = new FormData(form).get("key");
            if (typeof key !== "string" || key.trim() === "") return;
            form.reset();
            void add(key.trim());
          }}
        >
          <input name="key" className="field w-full sm:w-72" aria-label="Key of the item to change" placeholder="Key of an item" />
          <button type="submit" className="button">
            Change its payload
          </button>
        </form>
      )}
      {fault === null ? null : (
        <p role="alert" className="text-sm text-bad">
          {fault}
        </p>
      )}
    </div>
  );
}

/** As high as it was at first: it is left by pressing something below it, which must not move away from under the pointer. */
function Payload({ label, text, onLeave }: { label: string; text: string; onLeave: (typed: string) => void }): ReactElement {
  const [rows] = useState(Math.min(12, text.split("\n").length + 1));
  return (
    <textarea
      aria-label={label}
      rows={rows}
      className="field font-mono text-sm"
      spellCheck={false}
      defaultValue={text}
      onBlur={({ target }) => onLeave(target.value)}
    />
  );
}
