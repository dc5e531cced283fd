import { useState, type ReactElement } from "react";
import { Dialog } from "../parts/dialog.tsx";
import { allShortcuts } from "./shortcuts.ts";

/** What keys do on the page that is shown. */
export function ShortcutList({ onClose }: { onClose: () => void }): ReactElement {
  // As they are when the list is opened; the dialog itself has none.
  const [shortcuts] = useState(allShortcuts);
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl className="grid grid-cols-[auto_1fr] items-baseline gap-x-6 gap-y-2 text-sm">
        {shortcuts.map((shortcut) => (
          <div key={`${shortcut.keys} ${shortcut.label}`} className="contents">
            <dt className="flex gap-1">
              {shortcut.keys.split(" ").map((key) => (
                <kbd key={key} className="key">
                  {key.replace("mod+k", "⌘K")}
                </kbd>
              ))}
            </dt>
            <dd>{shortcut.label}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-4 text-sm text-soft">Off while you type. Escape closes what is open.</p>
    </Dialog>
  );
}
