import { useState, useSyncExternalStore, type ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { Dialog } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { toast } from "../../parts/toast.ts";
import { titleOf } from "./names.ts";
import type { HistorySearch } from "./search.ts";
import { views } from "./views.ts";

/** Views under names of one's own. */
export function SavedViews({ search }: { search: HistorySearch }): ReactElement {
  const [isOpen, open] = useState(false);
  const saved = useSyncExternalStore(views.subscribe, views.get);
  return (
    <>
      <button type="button" className="button" onClick={() => open(true)}>
        Saved views{saved.length === 0 ? "" : ` (${saved.length})`}
      </button>
      {isOpen ? <ViewDialog search={search} onClose={() => open(false)} /> : null}
    </>
  );
}

function ViewDialog({ search, onClose }: { search: HistorySearch; onClose: () => void }): ReactElement {
  const saved = useSyncExternalStore(views.subscribe, views.get);
  const [name, setName] = useState(() => nameOf(search));
  return (
    <Dialog title="Saved views" onClose={onClose}>
      <div className="flex flex-col gap-5">
        <form
          className="flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            views.save({ name: name.trim(), search });
            toast(`Saved as “${name.trim()}”`);
          }}
        >
          <label className="flex flex-1 flex-col gap-1 text-sm">
            <span className="text-soft">Name of this view</span>
            <input
              className="field"
              value={name}
              maxLength={80}
              required
              pattern=".*\S.*"
              onChange={({ target }) => setName(target.value)}
            />
          </label>
          <button type="submit" className="button button-main min-h-9!">
            Save
          </button>
        </form>
        {saved.length === 0 ? (
          <p className="text-sm text-soft">
            None yet. A view is the metric, its source, the time and the comparison; it stays in this browser.
          </p>
        ) : (
          <ul aria-label="Saved views" className="flex flex-col">
            {saved.map((view) => (
              <li key={view.name} className="flex items-center gap-3 border-t border-line py-1.5">
                <Link to="/history" search={view.search} className="link min-w-0 flex-1 truncate" onClick={onClose}>
                  {view.name}
                </Link>
                <button
                  type="button"
                  className="button button-quiet button-icon"
                  aria-label={`Forget ${view.name}`}
                  onClick={() => views.remove(view.name)}
                >
                  <Icon name="cross" />
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Dialog>
  );
}

function nameOf({ metric, source, part, range, from }: HistorySearch): string {
  const what = [metric === undefined ? "At a glance" : titleOf(metric), source, part].filter((each) => each !== undefined).join(", ");
  return `${what}, ${from === undefined ? (range ?? "24h") : from.slice(0, 16).replace("T", " ")}`;
}
