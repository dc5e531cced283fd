import { useState, type ReactElement } from "react";
import type { Batch, BatchFilter, Sorting } from "batchyard/client";
import { client } from "../../data/client.ts";
import { matches, type Matches } from "../../figures/number.ts";
import { messageOf } from "../../parts/notice.tsx";
import { saveBlob } from "../../parts/save.ts";
import { toast } from "../../parts/toast.ts";
import { exportOf, MOST_IDS } from "./bulk.ts";
import { type Selection, sizeOf } from "./selection.ts";

interface ExportPickerProps {
  filter: BatchFilter;
  found: Matches;
  rows: readonly Batch[];
  selection: Selection;
  sorting: Sorting;
}

const FORMATS = { csv: "CSV", xlsx: "Excel", jsonl: "JSON lines" } as const;
type Format = keyof typeof FORMATS;

/** The selected batches as a file, or all that match. */
export function ExportPicker({ filter, found, rows, selection, sorting }: ExportPickerProps): ReactElement {
  const [busy, setBusy] = useState(false);
  const selected = sizeOf(selection, found);
  const size = selected.total === 0 ? found : selected;

  async function save(format: Format): Promise<void> {
    setBusy(true);
    try {
      const file = await client.exportList(exportOf(format, filter, selection, rows, sorting));
      saveBlob(`batches-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}.${format}`, await new Response(file).blob());
      toast(`${FORMATS[format]} saved`);
    } catch (error) {
      toast(messageOf(error), "bad");
    }
    setBusy(false);
  }
  return (
    <select
      aria-label="Export"
      title={selected.total === 0 ? "All that match, as a file" : "What is selected, as a file"}
      className="button"
      value=""
      disabled={busy || size.total === 0 || selection.ids.size > MOST_IDS}
      onChange={(event) => void save(event.target.value as Format)}
    >
      <option value="" disabled>
        {busy ? "Exporting …" : selected.total === 0 ? "Export …" : `Export ${matches(size)} …`}
      </option>
      {(Object.keys(FORMATS) as Format[]).map((format) => (
        <option key={format} value={format}>
          {FORMATS[format]}
        </option>
      ))}
    </select>
  );
}
