import { PAGES } from "./pages.ts";

/** Something that keys do, wherever it makes sense. `keys` are those it comes with. */
export interface Act {
  keys: string;
  what: string;
}

/** Every key of every page; one key means the same everywhere. */
export const ACTS: readonly Act[] = [
  ...PAGES.map((page) => ({ keys: `g ${page.key}`, what: `Go to ${page.label}` })),
  { keys: "mod+k", what: "Find or do anything" },
  { keys: ":", what: "Find or do anything, too" },
  { keys: "/", what: "Search the list" },
  { keys: "?", what: "Show the keys of the page" },
  { keys: "f", what: "Freeze the page, or let it go" },
  { keys: "t", what: "Next theme" },
  { keys: "z", what: "Times in UTC, or in local time" },
  { keys: "n", what: "New batch" },
  { keys: "j", what: "Next row" },
  { keys: "k", what: "Previous row" },
  { keys: "o", what: "Open the row" },
  { keys: "Enter", what: "Open the row, too" },
  { keys: "x", what: "Select the row" },
  { keys: "X", what: "Select the rows up to this one" },
  { keys: "u", what: "Take in what is new" },
  { keys: "v", what: "Order and columns of the list" },
  { keys: "Escape", what: "Drop the selection; back" },
  { keys: "r", what: "Retry what failed; read the list again" },
  { keys: "p", what: "Pause or resume the batch" },
  { keys: "m", what: "Mute the failure" },
  { keys: "c", what: "Copy the batch as curl" },
  { keys: "a", what: "Acknowledge the alert" },
  { keys: "s", what: "Silence the alert" },
];

type Bound = Readonly<Record<string, string>>;

const KEY = "batchyard.keys";
const listeners = new Set<() => void>();
let bound: Bound = read();

function read(): Bound {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof stored !== "object" || stored === null) return {};
    return Object.fromEntries(
      Object.entries(stored).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string" && ACTS.some(({ keys }) => keys === entry[0]),
      ),
    );
  } catch {
    // Storage may be refused, or hold something else; the keys that come with the page serve.
    return {};
  }
}

/** The reader's own keys, kept in this browser. */
export const bindings = {
  get: (): Bound => bound,
  /** Other keys for an act, by the keys it comes with; null = those again. */
  set(keys: string, own: string | null): void {
    const others = Object.entries(bound).filter(([of]) => of !== keys);
    bindings.replace(Object.fromEntries(own === null || own === keys ? others : [...others, [keys, own]]));
  },
  replace(next: Bound): void {
    bound = next;
    try {
      localStorage.setItem(KEY, JSON.stringify(bound));
    } catch {
      // Then it holds until the page is closed.
    }
    for (const listener of listeners) listener();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** The keys that do what `keys` come to do. */
export function keysFor(keys: string): string {
  return bound[keys] ?? keys;
}

/** Acts that the same keys would do, or that another's keys begin with: pressing them does one of the two only. */
export function conflictsOf(act: Act, acts: readonly Act[], own: Bound): Act[] {
  const keys = own[act.keys] ?? act.keys;
  return acts.filter((other) => {
    const others = own[other.keys] ?? other.keys;
    return other !== act && (others === keys || others.startsWith(`${keys} `) || keys.startsWith(`${others} `));
  });
}
