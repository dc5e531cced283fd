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

const SEVERITIES = ["low", "medium", "high", "critical"] as const;

/** Alerts that have not ended. */
export const alertPane: Pane = {
  id: "alerts",
  digit: "5",
  title: "Alerts",
  aside({ model }) {
    const { alerts } = model.snapshot;
    if (alerts === null) return words("need the role admin", "soft");
    if (alerts.alerts.length === 0) return words("none open", "good");
    // As bad as the worst that nobody has seen to.
    const unseen = new Set(
      alerts.alerts.filter(({ acknowledged, silenced }) => !acknowledged && !silenced).map(({ severity }) => severity),
    );
    const worst = SEVERITIES.findLast((severity) => unseen.has(severity));
    return words(`${compact(alerts.alerts.length)} open`, worst === undefined ? "soft" : SEVERITY_TONE[worst]);
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
