import type { ReactElement } from "react";
import { plural } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { save } from "../../parts/save.ts";
import { toast } from "../../parts/toast.ts";
import { type Entry, jsonLines } from "./entries.ts";

/** What is shown, as lines of JSON, oldest first. */
export function ExportButton({ entries }: { entries: readonly Entry[] }): ReactElement {
  return (
    <button
      type="button"
      className="button ml-auto"
      disabled={entries.length === 0}
      onClick={() => {
        save(`events-${new Date().toISOString().replace(/[:.]/g, "-")}.jsonl`, "application/x-ndjson", jsonLines(entries));
        toast(`${plural(entries.length, "line")} saved`);
      }}
    >
      <Icon name="download" /> JSONL
    </button>
  );
}
