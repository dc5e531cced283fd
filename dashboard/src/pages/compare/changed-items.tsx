import { useState, type ReactElement } from "react";
import type { Comparison } from "batchyard/client";
import { plural } from "../../figures/number.ts";
import { Icon, type IconName } from "../../parts/icon.tsx";
import { Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import type { Tone } from "../../parts/states.ts";

type Changed = Comparison["changed"][number];

const LOOKS: Readonly<Record<Changed["kind"], { word: string; icon: IconName; tone: Tone }>> = {
  fixed: { word: "Now succeeds", icon: "check", tone: "good" },
  broken: { word: "Now fails", icon: "cross", tone: "bad" },
  other: { word: "Other values", icon: "right", tone: "idle" },
};
/** On a phone the fields of an item stand below its key and outcome, and the two values below the name of their field. */
const ROW =
  "text-sm leading-5 max-md:grid max-md:grid-cols-[minmax(0,1fr)_auto] max-md:border-b max-md:border-line max-md:py-2 max-md:[&>*]:h-auto! max-md:[&>*]:border-b-0! max-md:[&>*]:py-1! md:[&>*]:py-2.5! [&>*]:align-top";
const FIELDS = "grid grid-cols-2 gap-x-4 md:grid-cols-[minmax(6rem,1fr)_minmax(0,2fr)_minmax(0,2fr)]";
/** Fields shown of an item before it is opened. */
const FEW = 3;

/** One row an item, and in it field by field what is not the same. */
export function ChangedItems({ items }: { items: readonly Changed[] }): ReactElement {
  return (
    <Wide sideways label="Changed items">
      <table className="table table-fixed max-md:block md:min-w-3xl">
        <thead className="max-md:sr-only">
          <tr>
            <th scope="col" className="md:w-44">
              Item
            </th>
            <th scope="col" className="md:w-36">
              Outcome
            </th>
            <th scope="col">
              <span className={FIELDS}>
                <span>Field</span>
                <span>First</span>
                <span>Second</span>
              </span>
            </th>
          </tr>
        </thead>
        <tbody className="max-md:block">
          {items.map((item) => (
            <ChangedRow key={item.nodeId} item={item} />
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function ChangedRow({ item }: { item: Changed }): ReactElement {
  const [open, setOpen] = useState(false);
  // The outcome says it already.
  const changes = item.changes.filter(({ path }) => path !== "success");
  const shown = open ? changes : changes.slice(0, FEW);
  const hidden = changes.length - shown.length;
  return (
    <tr className={ROW}>
      <th scope="row" className="truncate text-left font-normal">
        <code title={item.nodeId}>{item.nodeId}</code>
      </th>
      <td>
        <Status look={LOOKS[item.kind]} />
      </td>
      <td className="col-span-2">
        <dl className={`${FIELDS} gap-y-1 [&>div:not(:first-child)>dt]:mt-2 md:[&>div:not(:first-child)>dt]:mt-0`}>
          {shown.map(({ path, a, b }) => (
            <div key={path} className="contents">
              <dt className="col-span-2 font-mono break-all text-soft md:col-span-1">{path}</dt>
              <Side text={a} open={open} className="bg-bad/10" label="First" />
              <Side text={b} open={open} className="bg-good/10" label="Second" />
            </div>
          ))}
        </dl>
        {open || hidden > 0 || shown.some(({ a, b }) => isLong(a) || isLong(b)) ? (
          <button
            type="button"
            aria-expanded={open}
            className="mt-1 inline-flex items-center gap-1 text-sm text-soft hover:text-ink"
            onClick={() => setOpen(!open)}
          >
            <Icon name={open ? "down" : "right"} /> {open ? "Less" : hidden > 0 ? plural(hidden, "more field") : "Whole values"}
          </button>
        ) : null}
        {open && item.more > 0 ? (
          <p className="text-sm text-soft">and {plural(item.more, "more field")}: the batches have them whole</p>
        ) : null}
      </td>
    </tr>
  );
}

const LONG = 90;
const isLong = (text: string | null): boolean => text !== null && text.length > LONG;

function Side({ text, open, label, className }: { text: string | null; open: boolean; label: string; className: string }): ReactElement {
  return (
    <dd className="min-w-0">
      <span className="block text-xs text-soft md:sr-only">{label} </span>
      {text === null ? (
        <span className="text-soft">none</span>
      ) : (
        <span className={`rounded-xs px-1 font-mono ${className} ${open ? "break-all whitespace-pre-wrap" : "line-clamp-2 break-all"}`}>
          {text}
        </span>
      )}
    </dd>
  );
}
