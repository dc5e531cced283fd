import { useEffect, type ReactElement } from "react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Batch } from "batchyard/client";
import { Icon } from "../../parts/icon.tsx";
import { BodyInSight, useRowsInSight } from "../../parts/rows-in-sight.tsx";
import { preference } from "../../theme/preference.ts";
import type { ColumnName } from "./column-names.ts";
import { type Column, COLUMNS } from "./columns.tsx";
import { sortedBy } from "./search.ts";
import { isSelected, type Selection } from "./selection.ts";

interface BatchTableProps {
  rows: readonly Batch[];
  /** All that match, loaded or not; null = nobody knows. */
  total: number | null;
  /** Null: the usual ones, as far as there is room. */
  chosen: readonly ColumnName[] | null;
  columns: readonly ColumnName[];
  /** The row the keyboard stands on; -1: none. */
  active: number;
  selection: Selection;
  /** `range`: all rows up to the one that was picked last. */
  onToggle: (index: number, range: boolean) => void;
  onToggleLoaded: () => void;
  /** The last loaded row comes into sight. */
  onEnd: () => void;
}

const ROW = { comfortable: 56, compact: 44 } as const;
const NEAR_THE_END = 20;
/** Rem: the name of a batch needs so much where columns that were chosen take the rest. */
const NAME_WIDTH = 16;
/** By the room of the table, not the window: the navigation may stand beside it. */
const SHOWN_FROM = { "": "", sm: "hidden @xl:table-cell", md: "hidden @2xl:table-cell", lg: "hidden @min-[60rem]:table-cell" } as const;

/** A real table of which only the rows in sight are drawn. */
export function BatchTable(props: BatchTableProps): ReactElement {
  const { rows, total, chosen, columns, active, selection, onToggle, onToggleLoaded, onEnd } = props;
  const height = ROW[preference.get().density];
  const sight = useRowsInSight({ count: rows.length, heightOf: () => height, nearEnd: NEAR_THE_END, onEnd });
  const { scrollTo } = sight;
  useEffect(() => {
    if (active >= 0) scrollTo(active);
  }, [active, scrollTo]);
  const classOf = (column: Column): string =>
    `${column.number ? "number" : ""} ${chosen === null ? SHOWN_FROM[column.from] : ""} ${column.label === "Priority" ? "pl-6!" : ""}`;
  const picked = rows.filter(({ id }) => isSelected(selection, id)).length;
  const width = columns.reduce((sum, name) => sum + COLUMNS[name].width, NAME_WIDTH + 2);
  return (
    <table
      aria-label="Batches"
      aria-rowcount={total === null ? -1 : total + 1}
      className="table table-fixed"
      style={chosen === null ? undefined : { minWidth: `${width}rem` }}
    >
      <thead>
        <tr aria-rowindex={1}>
          <th scope="col" className="w-8">
            <input
              type="checkbox"
              aria-label="Select the loaded batches"
              className="block size-4 accent-accent"
              ref={(box) => {
                if (box !== null) box.indeterminate = picked > 0 && picked < rows.length;
              }}
              checked={picked === rows.length}
              onChange={onToggleLoaded}
            />
          </th>
          <th scope="col">Batch</th>
          {columns.map((name) => (
            <Head key={name} column={COLUMNS[name]} className={classOf(COLUMNS[name])} />
          ))}
        </tr>
      </thead>
      <BodyInSight rows={sight}>
        {(index) => {
          const batch = rows[index];
          return batch === undefined ? null : (
            <BatchRow
              key={batch.id}
              batch={batch}
              height={height}
              index={index}
              isActive={index === active}
              selected={isSelected(selection, batch.id)}
              onToggle={onToggle}
              columns={columns}
              classOf={classOf}
            />
          );
        }}
      </BodyInSight>
    </table>
  );
}

/** Where the server can sort, the head of a column does: largest first, then smallest, then as before. */
function Head({ column, className }: { column: Column; className: string }): ReactElement {
  const search = useSearch({ from: "/batches" });
  const navigate = useNavigate();
  const width = { width: `${column.width}rem` };
  const { sort } = column;
  if (sort === undefined)
    return (
      <th scope="col" className={className} style={width}>
        {column.label}
      </th>
    );
  const { sort: current = "created", order = "desc" } = search;
  const isSorted = sort === current;
  const next =
    isSorted && order === "desc"
      ? sortedBy(search, sort, "asc")
      : sortedBy(search, isSorted && sort !== "created" ? "created" : sort, "desc");
  return (
    <th scope="col" className={className} style={width} aria-sort={isSorted ? (order === "desc" ? "descending" : "ascending") : undefined}>
      <button
        type="button"
        className={`-mx-1 inline-flex items-center gap-1 rounded-sm px-1 hover:text-ink ${isSorted ? "font-semibold text-ink" : ""}`}
        onClick={() => void navigate({ to: "/batches", search: next, resetScroll: false })}
      >
        {isSorted ? <Icon name={order === "desc" ? "down" : "up"} /> : null}
        {column.label}
      </button>
    </th>
  );
}

interface BatchRowProps {
  batch: Batch;
  height: number;
  index: number;
  isActive: boolean;
  selected: boolean;
  onToggle: (index: number, range: boolean) => void;
  columns: readonly ColumnName[];
  classOf: (column: Column) => string;
}

function BatchRow({ batch, height, index, isActive, selected, onToggle, columns, classOf }: BatchRowProps): ReactElement {
  const name = batch.name ?? batch.id;
  return (
    <tr
      aria-rowindex={index + 2}
      aria-selected={selected}
      style={{ height }}
      className={`${isActive ? "outline-2 outline-offset-2 outline-accent" : ""} ${selected ? "bg-wash" : ""}`}
    >
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${name}`}
          className="block size-4 accent-accent"
          checked={selected}
          onChange={(event) => onToggle(index, event.nativeEvent instanceof MouseEvent && event.nativeEvent.shiftKey)}
        />
      </td>
      <td className="min-w-0">
        <Link
          to="/batches/$id"
          params={{ id: batch.id }}
          className="block truncate font-medium hover:text-accent hover:underline"
          title={name}
        >
          {name}
        </Link>
        <span className="block truncate text-xs text-soft">
          {batch.operation}
          {batch.stream === null ? "" : ` · ${batch.stream}`}
          {batch.tags.map((tag) => ` · ${tag}`)}
        </span>
      </td>
      {columns.map((each) => (
        <td key={each} className={classOf(COLUMNS[each])}>
          {COLUMNS[each].cell(batch)}
        </td>
      ))}
    </tr>
  );
}
