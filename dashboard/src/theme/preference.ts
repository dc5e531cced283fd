/** How this reader wants to see it; kept in this browser. */

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
export const DENSITIES = ["comfortable", "compact"] as const;
export type Density = (typeof DENSITIES)[number];

/** In whose time absolute times are written. */
export const ZONES = ["local", "utc"] as const;
export type Zone = (typeof ZONES)[number];

export interface Preference {
  theme: Theme;
  density: Density;
  zone: Zone;
}

const KEY = "batchyard.look";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
let current: Preference = read();

function read(): Preference {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preference>;
    return {
      theme: THEMES.find((theme) => theme === stored.theme) ?? "system",
      density: DENSITIES.find((density) => density === stored.density) ?? "comfortable",
      zone: ZONES.find((zone) => zone === stored.zone) ?? "local",
    };
  } catch {
    // Storage may be refused, or hold something else; the defaults serve.
    return { theme: "system", density: "comfortable", zone: "local" };
  }
}

function apply(): void {
  const root = document.documentElement;
  root.dataset["theme"] = current.theme === "system" ? (dark.matches ? "dark" : "light") : current.theme;
  root.dataset["density"] = current.density;
  for (const listener of listeners) listener();
}

export const preference = {
  get: (): Preference => current,
  set(change: Partial<Preference>): void {
    current = { ...current, ...change };
    try {
      localStorage.setItem(KEY, JSON.stringify(current));
    } catch {
      // Then it holds until the page is closed.
    }
    apply();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** Called once, before anything is drawn. */
export function startPreference(): void {
  dark.addEventListener("change", apply);
  apply();
}
