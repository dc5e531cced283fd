import { useState, type ReactElement } from "react";
import { count } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { changeOf, type Changed } from "./change.ts";

const PAGE = 25;
// Larger values are no reading matter; the batches themselves have them whole.
const SHOWN_CHARACTERS = 16 * 1024;

/** One line an item; both values side by side when it is opened. */
export function ChangedItems({ items, total }: { items: readonly Changed[]; total: number }): ReactElement {
  const [shown, show] = useState(PAGE);
  return (
    <>
      <Wide label="Changed items">
        <table className="table table-fixed min-w-2xl">
          <thead>
            <tr>
              <th scope="col" className="w-44">
                Item
              </th>
              <th scope="col" className="w-32">
                First
              </th>
              <th scope="col" className="w-32">
                Second
              </th>
              <th scope="col">What changed</th>
            </tr>
          </thead>
          <tbody>
            {items.slice(0, shown).map((item) => (
              <ChangedRow key={item.nodeId} item={item} />
            ))}
          </tbody>
        </table>
      </Wide>
      <div className="flex flex-wrap items-center gap-3 text-sm text-soft">
        {items.length > shown ? (
          <button type="button" className="button" onClick={() => show(shown + PAGE)}>
            {PAGE} more
          </button>
        ) : null}
        <span className="figure">
          {count(Math.min(shown, items.length))} of {count(total)}
          {total > items.length ? `; the server lists the first ${count(items.length)}` : ""}
        </span>
      </div>
    </>
  );
}

function ChangedRow({ item }: { item: Changed }): ReactElement {
  const [open, setOpen] = useState(false);
  const change = changeOf(item);
  return (
    <>
      <tr className={open ? "[&>*]:border-b-0!" : ""}>
        <th scope="row" className="truncate text-left font-normal">
          <button
            type="button"
            aria-expanded={open}
            className="inline-flex max-w-full items-center gap-1.5 font-mono"
            onClick={() => setOpen(!open)}
          >
            <Icon name={open ? "down" : "right"} /> <span className="truncate">{item.nodeId}</span>
          </button>
        </th>
        {[change.first, change.second].map((success, i) => (
          <td key={i}>
            <Status look={success ? { word: "Succeeded", icon: "check", tone: "good" } : { word: "Failed", icon: "cross", tone: "bad" }} />
          </td>
        ))}
        <td className="truncate text-soft" title={change.sentence}>
          {change.sentence}
        </td>
      </tr>
      {open ? (
        <tr>
          <td colSpan={4} className="pt-0! pb-4!">
            <div className="grid gap-4 rounded-md bg-wash px-3 py-3 md:grid-cols-2">
              <Value label={`${item.nodeId}, first`} value={item.a} />
              <Value label={`${item.nodeId}, second`} value={item.b} />
            </div>
          </td>
        </tr>
      ) : null}
    </>
  );
}

function Value({ label, value }: { label: string; value: unknown }): ReactElement {
  const text = JSON.stringify(value, null, 2) ?? "null";
  return (
    <pre tabIndex={0} aria-label={label} className="max-h-80 min-w-0 overflow-auto text-sm leading-5 break-words whitespace-pre-wrap">
      {text.slice(0, SHOWN_CHARACTERS)}
      {text.length > SHOWN_CHARACTERS ? `\n… ${count(text.length - SHOWN_CHARACTERS)} more characters` : ""}
    </pre>
  );
}
