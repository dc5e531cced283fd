import { useState, useSyncExternalStore, type KeyboardEvent, type ReactElement } from "react";
import { Icon } from "../../parts/icon.tsx";
import { Section } from "../../parts/section.tsx";
import { type Act, ACTS, bindings, conflictsOf } from "../../shell/bindings.ts";
import { keyName } from "../../shell/key-name.ts";
import { DENSITIES, preference, THEMES, ZONES } from "../../theme/preference.ts";
import { PageCost } from "./page-cost.tsx";

/** How this reader wants it; kept in this browser only. */
export function BrowserSettings(): ReactElement {
  const look = useSyncExternalStore(preference.subscribe, preference.get);
  return (
    <div className="flex flex-col gap-10">
      <Section title="Look" aside="Kept in this browser" className="border-t-0 pt-0!">
        <div className="flex flex-wrap gap-x-10 gap-y-4">
          <Choice label="Theme" options={THEMES} chosen={look.theme} onChoose={(theme) => preference.set({ theme })} />
          <Choice label="Rows" options={DENSITIES} chosen={look.density} onChoose={(density) => preference.set({ density })} />
          <Choice label="Times in" options={ZONES} chosen={look.zone} onChoose={(zone) => preference.set({ zone })} />
        </div>
      </Section>
      <KeyTable />
      <PageCost />
    </div>
  );
}

const WORDS: Readonly<Record<string, string>> = { local: "this browser's zone", utc: "UTC" };

function Choice<T extends string>(props: { label: string; options: readonly T[]; chosen: T; onChoose: (value: T) => void }): ReactElement {
  const { label, options, chosen, onChoose } = props;
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1.5 text-sm font-medium">{label}</legend>
      <span className="flex flex-wrap gap-x-5 gap-y-2">
        {options.map((option) => (
          <label key={option} className="inline-flex items-center gap-2">
            <input type="radio" name={label} className="accent-accent" checked={option === chosen} onChange={() => onChoose(option)} />
            {WORDS[option] ?? option}
          </label>
        ))}
      </span>
    </fieldset>
  );
}

function KeyTable(): ReactElement {
  const own = useSyncExternalStore(bindings.subscribe, bindings.get);
  return (
    <Section
      title="Keyboard"
      aside={
        Object.keys(own).length === 0 ? (
          "Press Change, then the new keys"
        ) : (
          <button type="button" className="button" onClick={() => bindings.replace({})}>
            All as they came
          </button>
        )
      }
    >
      <table className="table max-w-3xl table-fixed">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col" className="w-28 sm:w-40">
              Keys
            </th>
            <th scope="col" className="w-20 sm:w-36">
              <span className="sr-only">Change</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {ACTS.map((act) => (
            <KeyRow key={act.keys} act={act} own={own} />
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function KeyRow({ act, own }: { act: Act; own: Readonly<Record<string, string>> }): ReactElement {
  const [pressed, setPressed] = useState<string | null>(null);
  const keys = own[act.keys] ?? act.keys;
  const conflicts = conflictsOf(act, ACTS, own);
  const end = (): void => {
    if (pressed !== null && pressed !== "") bindings.set(act.keys, pressed);
    setPressed(null);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Tab" || ["Shift", "Control", "Meta", "Alt"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") end();
    else if (event.key === "Escape") setPressed(null);
    else {
      const key = event.metaKey || event.ctrlKey ? `mod+${event.key.toLowerCase()}` : event.key;
      // At most two, one after the other.
      setPressed(pressed === null || pressed === "" || pressed.includes(" ") || key.startsWith("mod+") ? key : `${pressed} ${key}`);
    }
  };
  return (
    <tr>
      <th scope="row" className="text-left font-normal whitespace-normal!">
        {act.what}
        {conflicts.length === 0 ? null : (
          <span className="flex items-center gap-1.5 text-sm text-warn">
            <Icon name="warning" /> In the way of: {conflicts.map(({ what }) => what).join(", ")}
          </span>
        )}
      </th>
      <td>
        {pressed === null ? (
          <span className="flex gap-1">
            {keys.split(" ").map((key, i) => (
              <kbd key={`${i} ${key}`} className="key">
                {keyName(key)}
              </kbd>
            ))}
          </span>
        ) : (
          <input
            autoFocus
            readOnly
            aria-label={`Keys for: ${act.what}`}
            className="field py-0!"
            placeholder="Keys, then Enter"
            value={pressed}
            onKeyDown={onKeyDown}
            onBlur={end}
          />
        )}
      </td>
      <td className="text-right sm:whitespace-nowrap">
        {own[act.keys] === undefined ? null : (
          <button
            type="button"
            className="button button-quiet"
            aria-label={`${act.what}: as it came`}
            onClick={() => bindings.set(act.keys, null)}
          >
            Undo
          </button>
        )}
        <button type="button" className="button button-quiet" aria-label={`Change the keys of: ${act.what}`} onClick={() => setPressed("")}>
          Change
        </button>
      </td>
    </tr>
  );
}
