import { useId, useState, type KeyboardEvent, type ReactElement } from "react";
import { useNavigate } from "@tanstack/react-router";
import { freeze } from "../data/freeze.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { preference } from "../theme/preference.ts";
import { keysFor } from "./bindings.ts";
import { keyName } from "./key-name.ts";
import { PAGES } from "./pages.ts";

interface Command {
  label: string;
  icon: IconName;
  /** Keys that do the same without the palette. */
  keys?: string;
  run: () => void;
}

/** Find or do anything by typing. */
export function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }): ReactElement {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const act = (run: () => void) => (): void => {
    onClose();
    run();
  };
  const { zone, density } = preference.get();
  const compact = density === "compact";
  const commands: Command[] = [
    ...PAGES.map((page) => ({
      label: page.label,
      icon: page.icon,
      keys: `g ${page.key}`,
      run: act(() => void navigate({ to: page.to })),
    })),
    { label: "New batch", icon: "plus", keys: "n", run: act(() => void navigate({ to: "/batches/new" })) },
    { label: "Compare two batches", icon: "batches", run: act(() => void navigate({ to: "/batches/compare" })) },
    { label: "Failed batches", icon: "cross", run: act(() => void navigate({ to: "/batches", search: { status: "failed" } })) },
    { label: "Running batches", icon: "half", run: act(() => void navigate({ to: "/batches", search: { status: "running" } })) },
    { label: freeze.get() ? "Let the page go on" : "Freeze the page", icon: "freeze", keys: "f", run: act(freeze.toggle) },
    { label: "Theme: system", icon: "screen", run: act(() => preference.set({ theme: "system" })) },
    { label: "Theme: light", icon: "sun", run: act(() => preference.set({ theme: "light" })) },
    { label: "Theme: dark", icon: "moon", run: act(() => preference.set({ theme: "dark" })) },
    {
      label: compact ? "Comfortable rows" : "Compact rows",
      icon: "menu",
      run: act(() => preference.set({ density: compact ? "comfortable" : "compact" })),
    },
    {
      label: zone === "utc" ? "Times in local time" : "Times in UTC",
      icon: "clock",
      keys: "z",
      run: act(() => preference.set({ zone: zone === "utc" ? "local" : "utc" })),
    },
    { label: "Keyboard shortcuts", icon: "menu", keys: "?", run: onKeys },
    { label: "API documentation", icon: "book", run: act(() => window.location.assign("/docs")) },
    { label: "Sign out", icon: "out", run: act(signOut) },
  ];
  const wanted = text.trim().toLowerCase();
  const found = commands.filter((command) => command.label.toLowerCase().includes(wanted));
  if (/^batch_\w+$/.test(wanted))
    found.unshift({
      label: `Open ${wanted}`,
      icon: "batches",
      run: act(() => void navigate({ to: "/batches/$id", params: { id: wanted } })),
    });
  else if (wanted !== "")
    found.push({
      label: `Batches named “${text.trim()}”`,
      icon: "search",
      run: act(() => void navigate({ to: "/batches", search: { q: text.trim() } })),
    });
  const chosen = Math.min(at, found.length - 1);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setAt((chosen + 1) % found.length);
    else if (event.key === "ArrowUp") setAt((chosen + found.length - 1) % found.length);
    else if (event.key === "Enter") found[chosen]?.run();
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Find or do" bare onClose={onClose}>
      <div className="flex items-center gap-2.5 border-b border-line px-4 text-soft">
        <Icon name="search" />
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={`${list}-${chosen}`}
          aria-label="Find or do"
          autoFocus
          className="h-12 flex-1 bg-transparent text-lg text-ink outline-none placeholder:text-soft"
          placeholder="A page, an action, a batch id or name"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul id={list} role="listbox" aria-label="What fits" className="p-2">
        {found.map((command, i) => (
          <li
            key={command.label}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === chosen}
            className={`flex cursor-pointer items-center gap-3 rounded-md px-3 py-2 ${i === chosen ? "bg-wash" : ""}`}
            onMouseMove={() => setAt(i)}
            onClick={command.run}
          >
            <Icon name={command.icon} className="text-soft" /> {command.label}
            {command.keys === undefined ? null : (
              <span aria-hidden="true" className="ml-auto hidden gap-1 sm:flex">
                {keysFor(command.keys)
                  .split(" ")
                  .map((key, n) => (
                    <kbd key={`${n} ${key}`} className="key">
                      {keyName(key)}
                    </kbd>
                  ))}
              </span>
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function signOut(): void {
  void fetch("/api/session/logout", { method: "POST" }).finally(() => window.location.assign("/"));
}
