import { useLayoutEffect, useRef } from "react";
import { keysFor } from "./bindings.ts";

/** One thing a key does. `keys` are pressed one after the other: "g o". */
export interface Shortcut {
  keys: string;
  label: string;
  run: () => void;
}

const SEQUENCE_MS = 1_200;
const scopes = new Set<{ current: readonly Shortcut[] }>();

/** Everything that keys do now, by the keys that the reader chose. */
export function allShortcuts(): Shortcut[] {
  return [...scopes].flatMap((scope) => scope.current.map((shortcut) => ({ ...shortcut, keys: keysFor(shortcut.keys) })));
}

/** These keys work while the component is shown. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const scope = useRef(shortcuts);
  scope.current = shortcuts;
  // Before it is painted: whoever sees the page can press its keys.
  useLayoutEffect(() => {
    scopes.add(scope);
    return () => void scopes.delete(scope);
  }, []);
}

let typed = "";
let typedAt = 0;

/** The one listener. Off while somebody types, within dialogs, and for keys with a modifier but ⌘K. */
export function onKey(event: KeyboardEvent): void {
  const modified = event.metaKey || event.ctrlKey || event.altKey;
  const key = modified ? `mod+${event.key.toLowerCase()}` : event.key;
  if (!modified && (isTyping(event.target) || document.querySelector("dialog[open]") !== null)) return;
  // Enter presses what has the focus; elsewhere it is a key like others.
  if (key === "Enter" && event.target instanceof HTMLElement && event.target.closest("a, button, input, summary, [role=button]") !== null)
    return;
  const now = Date.now();
  const sequence = typed !== "" && now - typedAt < SEQUENCE_MS ? `${typed} ${key}` : key;
  const all = allShortcuts();
  const hit = all.findLast((shortcut) => shortcut.keys === sequence) ?? all.findLast((shortcut) => shortcut.keys === key);
  typed = all.some((shortcut) => shortcut.keys.startsWith(`${key} `)) ? key : "";
  typedAt = now;
  if (hit === undefined) return;
  event.preventDefault();
  typed = "";
  hit.run();
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && !isBox(target);
}

/** Checkboxes take no text. */
function isBox(target: HTMLElement): boolean {
  return target instanceof HTMLInputElement && (target.type === "checkbox" || target.type === "radio");
}
