import { useState, type ReactElement } from "react";
import { Dialog } from "../parts/dialog.tsx";
import { keysFor } from "./bindings.ts";
import { keyName } from "./key-name.ts";
import { PAGES } from "./pages.ts";
import { allShortcuts, type Shortcut } from "./shortcuts.ts";

/** What keys do on the page that is shown. */
export function ShortcutList({ onClose, everywhere }: { onClose: () => void; everywhere: readonly Shortcut[] }): ReactElement {
  // As they are when the list is opened; the dialog itself has none.
  const [shortcuts] = useState(allShortcuts);
  const isGoing = ({ label }: Shortcut): boolean => PAGES.some((page) => label === `Go to ${page.label}`);
  const isEverywhere = ({ keys, label }: Shortcut): boolean =>
    everywhere.some((each) => keysFor(each.keys) === keys && each.label === label);
  const here = shortcuts.filter((each) => !isEverywhere(each));
  return (
    <Dialog title="Keyboard" onClose={onClose} wide text>
      <div className="grid gap-x-10 gap-y-6 sm:grid-cols-2 lg:grid-cols-3">
        {here.length === 0 ? null : <Keys title="On this page" shortcuts={here} />}
        <Keys title="Everywhere" shortcuts={shortcuts.filter((each) => isEverywhere(each) && !isGoing(each))} />
        <Keys title="Go to a page" shortcuts={shortcuts.filter((each) => isEverywhere(each) && isGoing(each))} />
      </div>
      <p className="mt-6 text-sm text-soft">Off while you type. Escape closes what is open. Other keys can be chosen in the settings.</p>
    </Dialog>
  );
}

function Keys({ title, shortcuts }: { title: string; shortcuts: readonly Shortcut[] }): ReactElement {
  return (
    <section aria-label={title} className="flex flex-col gap-3">
      <h3>{title}</h3>
      <dl className="flex flex-col gap-2 text-sm">
        {shortcuts.map((shortcut) => (
          <div key={`${shortcut.keys} ${shortcut.label}`} className="flex items-baseline justify-between gap-4">
            <dt className="order-2 flex shrink-0 gap-1">
              {shortcut.keys.split(" ").map((key, i) => (
                <kbd key={`${i} ${key}`} className="key">
                  {keyName(key)}
                </kbd>
              ))}
            </dt>
            <dd>{shortcut.label}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
