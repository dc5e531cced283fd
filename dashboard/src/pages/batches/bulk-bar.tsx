import { useState, type ReactElement } from "react";
import type { Batch, BatchFilter, Priority } from "batchyard/client";
import { BulkDialog } from "../../bulk/bulk-dialog.tsx";
import { useMay } from "../../data/session.ts";
import { count, matches, type Matches } from "../../figures/number.ts";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { type BulkAct, MOST_IDS, requestOf } from "./bulk.ts";
import { ALL_SELECTED, NO_SELECTION, type Selection, sizeOf } from "./selection.ts";

interface BulkBarProps {
  filter: BatchFilter;
  found: Matches;
  rows: readonly Batch[];
  selection: Selection;
  onSelect: (selection: Selection) => void;
}

const PRIORITIES: readonly Priority[] = ["critical", "high", "normal", "low"];

/** What is selected, and what can be done to it. */
export function BulkBar({ filter, found, rows, selection, onSelect }: BulkBarProps): ReactElement | null {
  const [act, setAct] = useState<BulkAct | null>(null);
  const mayAct = useMay("operator");
  const size = sizeOf(selection, found);
  const tooMany = selection.ids.size > MOST_IDS;
  const can = size.total > 0 && mayAct && !tooMany;
  useShortcuts([{ keys: "r", label: "Retry the selected batches", run: () => can && setAct({ kind: "retry" }) }]);
  if (found.total === 0) return null;
  const all =
    selection.all && selection.ids.size === 0 ? null : (
      <button type="button" className="button button-quiet text-soft" onClick={() => onSelect(ALL_SELECTED)}>
        Select all {matches(found)}
      </button>
    );
  if (size.total === 0) return all;
  return (
    <>
      <span className="figure font-medium text-ink">{matches(size)} selected</span>
      {all}
      <button type="button" className="button button-quiet text-soft" onClick={() => onSelect(NO_SELECTION)}>
        Clear
      </button>
      {tooMany ? (
        <span className="text-warn">
          At most {count(MOST_IDS)} can be {selection.all ? "left out" : "picked one by one"}: search for them and select all that match.
        </span>
      ) : null}
      {!can ? null : (
        <span className="flex flex-wrap gap-2">
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
          <button type="button" className="button" onClick={() => setAct({ kind: "finish" })}>
            Close now
          </button>
          <button type="button" className="button" onClick={() => setAct({ kind: "dead_letter" })}>
            Move to dead letters
          </button>
          <button type="button" className="button button-danger" onClick={() => setAct({ kind: "cancel" })}>
            Cancel batches
          </button>
        </span>
      )}
      {act === null ? null : (
        <BulkDialog
          request={requestOf(act, filter, selection, rows)}
          onClose={(started) => {
            setAct(null);
            if (started) onSelect(NO_SELECTION);
          }}
        />
      )}
    </>
  );
}
