export const ALERT_TABS = ["firing", "pending", "silenced", "history", "rules", "silences", "channels"] as const;
export type AlertTab = (typeof ALERT_TABS)[number];

/** What stands in the address of the alerts. */
export interface AlertsSearch {
  tab?: AlertTab;
  /** Name of the rule that is being changed; "" = a new one. */
  edit?: string;
  /** Of a new rule: its kind, and what it is about, such as operation:import. */
  kind?: string;
  instance?: string;
}

export function alertsSearch(given: Record<string, unknown>): AlertsSearch {
  const { tab, edit, kind, instance } = given;
  const text = (value: unknown): value is string => typeof value === "string" && value !== "";
  return {
    ...(ALERT_TABS.some((each) => each === tab && each !== "firing") ? { tab: tab as AlertTab } : {}),
    ...(typeof edit === "string" ? { edit: edit.slice(0, 100) } : {}),
    ...(text(kind) ? { kind: kind.slice(0, 100) } : {}),
    ...(text(instance) ? { instance: instance.slice(0, 300) } : {}),
  };
}
