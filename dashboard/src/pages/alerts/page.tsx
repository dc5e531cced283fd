import { useEffect, useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { standingQuery } from "../../data/queries.ts";
import { sessionQuery, useMay } from "../../data/session.ts";
import type { Standing } from "../../data/wire.ts";
import { plural } from "../../figures/number.ts";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { Status } from "../../parts/status.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import type { Look } from "../../parts/states.ts";
import { AlertList } from "./alert-list.tsx";
import { ChannelTable } from "./channel-table.tsx";
import { HistoryList } from "./history-list.tsx";
import { PendingList } from "./pending-list.tsx";
import { channelsQuery, openQuery, type Rule, rulesQuery } from "./queries.ts";
import { RuleEditor } from "./rule-editor.tsx";
import { RuleTable } from "./rule-table.tsx";
import { SilenceDialog } from "./silence-dialog.tsx";
import { SilenceTable } from "./silence-table.tsx";
import { Tabs } from "./tabs.tsx";

/** What fires, what is about to, and how alerting is set up. */
export function AlertsPage(): ReactElement {
  const standing = useQuery(standingQuery);
  const session = useQuery(sessionQuery);
  const isAdmin = useMay("admin");
  return (
    <>
      <PageTitle
        title={standing.data === undefined ? "Alerts" : headline(standing.data)}
        tab="Alerts"
        {...(standing.data === undefined ? {} : { above: <Status look={lookOf(standing.data)} /> })}
      />
      {session.data === undefined ? (
        session.error === null ? (
          <Loading lines={6} label="Loading alerts" />
        ) : (
          <Fault error={session.error} retry={() => void session.refetch()} />
        )
      ) : isAdmin ? (
        <Alerting standing={standing.data} />
      ) : (
        <Empty title="Which alerts these are, only admins see">
          The role of this session is {session.data.role}. An API key of the role admin shows alerts, rules, silences and channels.
        </Empty>
      )}
    </>
  );
}

function Alerting({ standing }: { standing: Standing | undefined }): ReactElement {
  const { tab = "firing", edit, kind, instance } = useSearch({ from: "/alerts" });
  const navigate = useNavigate();
  const cache = useQueryClient();
  const open = useQuery(openQuery);
  const rules = useQuery(rulesQuery);
  const channels = useQuery({ ...channelsQuery, enabled: edit !== undefined || tab === "channels" });
  const [silencing, setSilencing] = useState<{ rule: string; instance: string } | null>(null);
  // The count is fresher than the lists: when it moved, they have.
  const stamp = JSON.stringify(standing);
  useEffect(() => {
    const known = cache.getQueryData(openQuery.queryKey);
    if (known !== undefined && stamp !== undefined && JSON.stringify(known.counts) !== stamp)
      void cache.invalidateQueries({ queryKey: ["alerts"] });
  }, [cache, stamp]);
  const error = open.error ?? rules.error;
  if (open.data === undefined || rules.data === undefined)
    return error === null ? (
      <Loading lines={8} label="Loading alerts" />
    ) : (
      <Fault error={error} retry={() => void Promise.all([open.refetch(), rules.refetch()])} />
    );
  const { alerts, pending, counts, settings } = open.data;
  const firing = alerts.filter((alert) => !alert.silenced);
  const silenced = alerts.filter((alert) => alert.silenced);
  const editing = edit === undefined ? undefined : rules.data.find((rule) => rule.name === edit);
  return (
    <div className="flex flex-col gap-7">
      <Tabs chosen={tab} counts={{ firing: counts.firing, pending: counts.pending, silenced: counts.silenced, rules: rules.data.length }} />
      {error === null ? null : <Fault error={error} retry={() => void Promise.all([open.refetch(), rules.refetch()])} />}
      {tab === "firing" && firing.length === 0 ? (
        <Calm rules={rules.data} silenced={silenced.length} pending={pending.length} />
      ) : tab === "firing" ? (
        <AlertList title="Firing" alerts={firing} rules={rules.data} onSilence={setSilencing} />
      ) : tab === "silenced" && silenced.length === 0 ? (
        <Empty title="Nothing that fires is silenced">
          What is silenced in advance stands under{" "}
          <Link to="/alerts" search={{ tab: "silences" }} className="link">
            Silences
          </Link>
          .
        </Empty>
      ) : tab === "silenced" ? (
        <AlertList title="Silenced" alerts={silenced} rules={rules.data} onSilence={setSilencing} />
      ) : tab === "pending" ? (
        <PendingList pending={pending} rules={rules.data} />
      ) : tab === "history" ? (
        <HistoryList open={alerts} rules={rules.data} />
      ) : tab === "rules" ? (
        <RuleTable rules={rules.data} />
      ) : tab === "silences" ? (
        <SilenceTable onAdd={() => setSilencing({ rule: "", instance: "" })} />
      ) : (
        <ChannelTable settings={settings} />
      )}
      {open.data.next !== null && (tab === "firing" || tab === "silenced") ? (
        <p className="text-sm text-soft">Only the newest {alerts.length} open alerts are listed.</p>
      ) : null}
      {silencing === null ? null : (
        <SilenceDialog rules={rules.data} rule={silencing.rule} instance={silencing.instance} onClose={() => setSilencing(null)} />
      )}
      {edit === undefined || channels.data === undefined || (edit !== "" && editing === undefined) ? null : (
        <RuleEditor
          key={edit}
          rules={rules.data}
          channels={channels.data}
          rule={editing}
          kind={kind}
          instance={instance}
          onClose={() => void navigate({ to: "/alerts", search: { tab: "rules" } })}
        />
      )}
    </div>
  );
}

/** Nothing fires: good, unless nobody looks. */
function Calm({ rules, silenced, pending }: { rules: readonly Rule[]; silenced: number; pending: number }): ReactElement {
  const on = rules.filter((rule) => rule.enabled).length;
  return (
    <Empty title={on === 0 ? "Nothing can fire: no rule is on" : "Nothing fires"}>
      {on === 0 ? (
        <Link to="/alerts" search={{ tab: "rules" }} className="link">
          Turn on the recommended rules
        </Link>
      ) : (
        <>
          {plural(on, "rule looks", "rules look")} every 15 seconds.
          {pending === 0 ? "" : ` ${plural(pending, "is", "are")} about to fire.`}
          {silenced === 0 ? "" : ` ${plural(silenced, "alert is", "alerts are")} silenced.`}
        </>
      )}
    </Empty>
  );
}

function headline({ firing, critical }: Standing): string {
  if (firing === 0) return "Nothing fires";
  return `${plural(firing, "alert fires", "alerts fire")}${critical === 0 ? "" : `, ${critical} critical`}`;
}

function lookOf({ firing, critical }: Standing): Look {
  if (critical > 0) return { word: "Critical", icon: "cross", tone: "bad" };
  return firing > 0 ? { word: "Firing", icon: "warning", tone: "warn" } : { word: "Calm", icon: "check", tone: "good" };
}
