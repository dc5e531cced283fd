import { useSyncExternalStore, type ReactElement } from "react";
import { Icon, type IconName } from "../parts/icon.tsx";
import { preference, type Theme, THEMES } from "../theme/preference.ts";

const ICONS: Readonly<Record<Theme, IconName>> = { system: "screen", light: "sun", dark: "moon" };

export function ThemeSwitch(): ReactElement {
  const { theme } = useSyncExternalStore(preference.subscribe, preference.get);
  return (
    <div role="group" aria-label="Theme" className="grid min-w-32 grid-cols-3 rounded-md border border-line p-0.5">
      {THEMES.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={theme === each}
          aria-label={`Theme: ${each}`}
          title={`Theme: ${each} (t for the next)`}
          className={`flex h-6 items-center max-lg:h-8 justify-center rounded-sm ${theme === each ? "bg-wash text-ink" : "text-soft hover:text-ink"}`}
          onClick={() => preference.set({ theme: each })}
        >
          <Icon name={ICONS[each]} />
        </button>
      ))}
    </div>
  );
}
