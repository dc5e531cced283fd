import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { streamsQuery } from "../../data/streams.ts";
import { partsOf } from "./parts-of.ts";

const AGES = { "1h": "Last hour", "1d": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days" } as const;
const TIME = /^(age[<>]|after:|before:)/;
const STREAM = /^(stream|source):/;

/** The two qualifiers asked for most, without typing: they write the same text. */
export function Pickers({ q, onSearch }: { q: string; onSearch: (text: string) => void }): ReactElement {
  const streams = useQuery(streamsQuery).data ?? [];
  const parts = partsOf(q);
  const time = parts.filter((part) => TIME.test(part)).join(" ");
  const stream = parts.filter((part) => STREAM.test(part)).join(" ");
  const write = (kind: RegExp, part: string): void =>
    onSearch([...parts.filter((each) => !kind.test(each)), ...(part === "" ? [] : [part])].join(" "));
  const ages = Object.entries(AGES).map(([age, label]) => ({ part: `age<${age}`, label }));
  const names = streams.map(({ name }) => ({ part: `stream:${/\s/.test(name) ? `"${name}"` : name}`, label: name }));
  return (
    <>
      <Picker label="Created" none="Any time" chosen={time} options={ages} onChoose={(part) => write(TIME, part)} />
      {names.length === 0 && stream === "" ? null : (
        <Picker label="Stream" none="All streams" chosen={stream} options={names} onChoose={(part) => write(STREAM, part)} />
      )}
    </>
  );
}

interface PickerProps {
  label: string;
  none: string;
  /** The part of the search that says it now; "" = none. */
  chosen: string;
  options: readonly { part: string; label: string }[];
  onChoose: (part: string) => void;
}

function Picker({ label, none, chosen, options, onChoose }: PickerProps): ReactElement {
  return (
    <select aria-label={label} className="button max-w-44" value={chosen} onChange={(event) => onChoose(event.target.value)}>
      <option value="">{none}</option>
      {options.map(({ part, label: name }) => (
        <option key={part} value={part}>
          {name}
        </option>
      ))}
      {chosen === "" || options.some(({ part }) => part === chosen) ? null : <option value={chosen}>{chosen}</option>}
    </select>
  );
}
