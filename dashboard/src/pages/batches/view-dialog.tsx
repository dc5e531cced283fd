import type { ReactElement } from "react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Dialog } from "../../parts/dialog.tsx";
import { COLUMN_NAMES, type ColumnName, rememberColumns, USUAL_COLUMNS } from "./column-names.ts";
import { COLUMNS } from "./columns.tsx";
import { type BatchesSearch, batchesSearch, columnsOf, type Sort, sortedBy, SORTS } from "./search.ts";

/** In which order, with which columns; both stand in the address, the columns in this browser too. */
export function ViewDialog({ onClose }: { onClose: () => void }): ReactElement {
  const search = useSearch({ from: "/batches" });
  const navigate = useNavigate();
  const { sort = "created", order = "desc" } = search;
  const shown = (search.columns === undefined ? null : columnsOf(search.columns)) ?? USUAL_COLUMNS;
  const go = (next: BatchesSearch): void => void navigate({ to: "/batches", search: next, replace: true, resetScroll: false });
  const choose = (names: readonly ColumnName[]): void => {
    const isUsual = names.join() === USUAL_COLUMNS.join();
    rememberColumns(isUsual ? null : names.join());
    go(batchesSearch({ ...search, columns: isUsual ? undefined : names.join() }));
  };
  return (
    <Dialog
      title="Order and columns"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={() => choose(USUAL_COLUMNS)}>
            Usual columns
          </button>
          <button type="button" className="button button-main" onClick={onClose}>
            Done
          </button>
        </>
      }
    >
      <div className="flex flex-col gap-5">
        <div className="flex flex-wrap gap-3">
          <label className="flex flex-col gap-1 text-sm font-medium">
            Order
            <select
              className="field w-44! font-normal"
              value={sort}
              onChange={(event) => go(sortedBy(search, event.target.value as Sort, order))}
            >
              {Object.entries(SORTS).map(([name, { label }]) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <label className="flex flex-col gap-1 text-sm font-medium">
            First
            <select
              className="field w-44! font-normal"
              value={order}
              onChange={(event) => go(sortedBy(search, sort, event.target.value as "asc" | "desc"))}
            >
              <option value="desc">{SORTS[sort].desc}</option>
              <option value="asc">{SORTS[sort].asc}</option>
            </select>
          </label>
        </div>
        <fieldset>
          <legend className="mb-2 text-sm font-medium">Columns</legend>
          <div className="grid grid-cols-2 gap-x-6 gap-y-2 sm:grid-cols-3">
            {COLUMN_NAMES.map((name) => (
              <label key={name} className="flex items-center gap-2 text-sm">
                <input
                  type="checkbox"
                  className="size-4 accent-accent"
                  checked={shown.includes(name)}
                  // One at least: a list that says nothing is none.
                  disabled={shown.length === 1 && shown.includes(name)}
                  onChange={() => choose(COLUMN_NAMES.filter((each) => shown.includes(each) !== (each === name)))}
                />
                {COLUMNS[name].label}
              </label>
            ))}
          </div>
        </fieldset>
      </div>
    </Dialog>
  );
}
