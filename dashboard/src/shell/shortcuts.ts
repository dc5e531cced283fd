import { useLayoutEffect, useRef } from "react";
import { ACTS, keysFor } from "./bindings.ts";

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
  // Before it is painted: whoever sees the page can press its keys.
  useLayoutEffect(() => {
    scope.current = shortcuts;
  });
  useLayoutEffect(() => {
    scopes.add(scope);
    return () => void scopes.delete(scope);
  }, []);
}

let typed = "";
let typedAt = 0;

/** Tells of the page that the address names already and that is not there yet. */
export interface Arrivals {
  isComing: () => boolean;
  /** Calls back when the page stands there; returns how not to. */
  onArrival: (listener: () => void) => () => void;
}

/** Listens until it is told not to. What is pressed while another page is on its way is meant for that one, and waits for it. */
export function listenForKeys({ isComing, onArrival }: Arrivals): () => void {
  const waiting: { event: KeyboardEvent; at: number }[] = [];
  let again: KeyboardEvent | null = null;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event === again || (waiting.length === 0 && !isComing())) return onKey(event);
    if (!isForPage(event)) return;
    event.preventDefault();
    waiting.push({ event, at: Date.now() });
  };
  const press = async (): Promise<void> => {
    for (let last = typedAt; waiting.length > 0 && !isComing();) {
      const { event, at } = waiting[0]!;
      if (at - last >= SEQUENCE_MS) typed = "";
      last = at;
      again = new KeyboardEvent(event.type, event);
      (document.activeElement ?? document.body).dispatchEvent(again);
      waiting.shift();
      // Each finds what the one before it did.
      await new Promise((resolve) => void setTimeout(resolve));
    }
  };
  const stop = onArrival(() => void press());
  window.addEventListener("keydown", onKeyDown);
  return () => {
    stop();
    window.removeEventListener("keydown", onKeyDown);
  };
}

/** Whether some page does something at this key. */
function isForPage(event: KeyboardEvent): boolean {
  const key = keyOf(event);
  return !isBrowsers(event) && ACTS.some((act) => keysFor(act.keys).split(" ").includes(key));
}

/** Off while somebody types, within dialogs, and for keys with a modifier but ⌘K. */
function isBrowsers(event: KeyboardEvent): boolean {
  const key = keyOf(event);
  if (key.startsWith("mod+")) return false;
  if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return true;
  // Enter presses what has the focus; elsewhere it is a key like others.
  return (
    key === "Enter" && event.target instanceof HTMLElement && event.target.closest("a, button, input, summary, [role=button]") !== null
  );
}

function keyOf(event: KeyboardEvent): string {
  return event.metaKey || event.ctrlKey || event.altKey ? `mod+${event.key.toLowerCase()}` : event.key;
}

function onKey(event: KeyboardEvent): void {
  if (isBrowsers(event)) return;
  const key = keyOf(event);
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
