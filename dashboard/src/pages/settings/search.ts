export const SETTINGS_TABS = ["server", "retention", "keys", "connections", "browser"] as const;
export type SettingsTab = (typeof SETTINGS_TABS)[number];

/** What stands in the address of the settings. */
export interface SettingsSearch {
  tab?: Exclude<SettingsTab, "server">;
  /** Text that stands in the name, the description or the variable of a setting. */
  q?: string;
}

export function settingsSearch({ tab, q }: Record<string, unknown>): SettingsSearch {
  const known = SETTINGS_TABS.find((each) => each === tab);
  return {
    ...(known === undefined || known === "server" ? {} : { tab: known }),
    ...(typeof q === "string" && q !== "" ? { q: q.slice(0, 100) } : {}),
  };
}
