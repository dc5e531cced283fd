import { brief, compact } from "../../terminal/figures.ts";
import { words, type Column, type Pane } from "../pane.ts";
import { foreign, span } from "../text.ts";

const COLUMNS: readonly Column[] = [
  { title: "SEVERITY", width: 10 },
  { title: "RULE", width: 18, drop: 4 },
  { title: "MESSAGE", width: "rest" },
  { title: "STATE", width: 12, drop: 3 },
  { title: "SINCE", width: 7, right: true, drop: 2 },
];

const SEVERITY_TONE = { low: "soft", medium: "warn", high: "bad", critical: "bad" } as const;

/** Alerts that have not ended. */
export const alertPane: Pane = {
  id: "alerts",
  digit: "5",
  title: "Alerts",
  aside({ model }) {
    const { alerts } = model.snapshot;
    if (alerts === null) return words("need the role admin", "soft");
    return words(
      alerts.alerts.length === 0 ? "none open" : `${compact(alerts.alerts.length)} open`,
      alerts.alerts.length === 0 ? "good" : "bad",
    );
  },
  columns: () => COLUMNS,
  rows: ({ model, glyphs, now }) =>
    (model.snapshot.alerts?.alerts ?? []).map((alert) => ({
      key: alert.id,
      cells: [
        [span(`${glyphs.dot} ${alert.severity}`, SEVERITY_TONE[alert.severity])],
        words(foreign(alert.rule)),
        words(foreign(alert.message)),
        words(
          alert.silenced ? "silenced" : alert.acknowledged ? "acked" : alert.state,
          alert.silenced || alert.acknowledged ? "soft" : "plain",
        ),
        words(brief(Math.max(0, now - Date.parse(alert.openedAt)))),
      ],
    })),
  empty: ({ model }) => (model.snapshot.alerts === null ? "Alerts are shown to the role admin" : "No alert is open"),
  orders: [{ name: "newest" }],
};
