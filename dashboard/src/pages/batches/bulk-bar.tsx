import { useState, type ReactElement } from "react";
import type { Batch, BatchFilter, Priority } from "batchyard/client";
import { BulkDialog as ServerBulkDialog } from "../../bulk/bulk-dialog.tsx";
import { useMay } from "../../data/session.ts";
import { matches, type Matches } from "../../figures/number.ts";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { type BulkAct, requestOf } from "./bulk.ts";
import { BulkDialog } from "./bulk-dialog.tsx";
import { ALL_SELECTED, NO_SELECTION, type Selection, sizeOf } from "./selection.ts";

interface BulkBarProps {
  filter: BatchFilter;
  found: Matches;
  rows: readonly Batch[];
  selection: Selection;
  onSelect: (selection: Selection) => void;
}

// What the server takes by id; beyond it the page does it itself.
const MOST_IDS = 1_000;
const PRIORITIES: readonly Priority[] = ["critical", "high", "normal", "low"];

/** What can be done to the selected batches. */
export function BulkBar({ filter, found, rows, selection, onSelect }: BulkBarProps): ReactElement | null {
  const [act, setAct] = useState<BulkAct | null>(null);
  const isAdmin = useMay("admin");
  const mayAct = useMay("operator");
  const size = sizeOf(selection, found);
  useShortcuts([{ keys: "r", label: "Retry the selected batches", run: () => size.total > 0 && mayAct && setAct({ kind: "retry" }) }]);
  if (found.total === 0 || !mayAct) return null;
  if (size.total === 0)
    return (
      <button type="button" className="button button-quiet text-soft" onClick={() => onSelect(ALL_SELECTED)}>
        Select all {matches(found)}
      </button>
    );
  return (
    <>
      <span className="figure font-medium text-ink">{matches(size)} selected</span>
      {selection.all ? null : (
        <button type="button" className="button button-quiet text-soft" onClick={() => onSelect(ALL_SELECTED)}>
          Select all {matches(found)}
        </button>
      )}
      <button type="button" className="button button-quiet text-soft" onClick={() => onSelect(NO_SELECTION)}>
        Clear
      </button>
      <span className="ml-auto flex flex-wrap gap-2">
        <button type="button" className="button" onClick={() => setAct({ kind: "retry" })}>
          Retry failed items
        </button>
        <select
          aria-label="Set priority"
          className="button"
          value=""
          onChange={(event) => setAct({ kind: "priority", priority: event.target.value as Priority })}
        >
          <option value="" disabled>
            Priority …
          </option>
          {PRIORITIES.map((priority) => (
            <option key={priority}>{priority}</option>
          ))}
        </select>
        <button type="button" className="button" onClick={() => setAct({ kind: "pause" })}>
          Pause
        </button>
        <button type="button" className="button" onClick={() => setAct({ kind: "resume" })}>
          Resume
        </button>
        <button type="button" className="button button-danger" onClick={() => setAct({ kind: "cancel" })}>
          Cancel batches
        </button>
      </span>
      {act === null ? null : isAdmin && selection.ids.size <= MOST_IDS ? (
        <ServerBulkDialog
          request={requestOf(act, filter, selection, rows)}
          onClose={(started) => {
            setAct(null);
            if (started) onSelect(NO_SELECTION);
          }}
        />
      ) : (
        <BulkDialog
          act={act}
          filter={filter}
          selection={selection}
          rows={rows}
          onClose={(finished) => {
            setAct(null);
            if (finished) onSelect(NO_SELECTION);
          }}
        />
      )}
    </>
  );
}
