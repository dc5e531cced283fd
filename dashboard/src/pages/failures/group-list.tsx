import { useState, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BulkDialog } from "../../bulk/bulk-dialog.tsx";
import { useMay } from "../../data/session.ts";
import { count } from "../../figures/number.ts";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { Wide } from "../../parts/section.tsx";
import { Spark } from "../../parts/spark.tsx";
import { Time } from "../../parts/time.tsx";
import { useActiveRow } from "../../shell/row-keys.ts";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { GiveUpDialog } from "./give-up-dialog.tsx";
import { MuteDialog } from "./mute-dialog.tsx";
import { MutedList } from "./muted-list.tsx";
import { changedQuery, type Group, groupsQuery } from "./queries.ts";
import type { FailureRange } from "./search.ts";

interface GroupListProps {
  range: FailureRange;
  operation: string | undefined;
}

/** The same error is one row, whatever batch it happened in. */
export function GroupList({ range, operation }: GroupListProps): ReactElement {
  const { data, error, refetch } = useQuery(groupsQuery(range, operation));
  const changed = useQuery({ ...changedQuery(data?.from ?? ""), enabled: data !== undefined && data.groups.length > 0 });
  const [retrying, setRetrying] = useState<Group | null>(null);
  const [givingUp, setGivingUp] = useState<Group | null>(null);
  const [muting, setMuting] = useState<Group | null>(null);
  const isAdmin = useMay("admin");
  const mayAct = useMay("operator");
  const groups = data?.groups ?? [];
  const [active, step] = useActiveRow(groups.length, (row) => groups[row]?.fingerprint);
  const chosen = groups[active];
  useShortcuts([
    { keys: "j", label: "Next group", run: () => step(1) },
    { keys: "k", label: "Previous group", run: () => step(-1) },
    { keys: "r", label: "Retry the group", run: () => mayAct && chosen !== undefined && chosen.fingerprint !== "" && setRetrying(chosen) },
    { keys: "m", label: "Mute the group", run: () => mayAct && chosen !== undefined && chosen.fingerprint !== "" && setMuting(chosen) },
  ]);
  // What changed last stands above the groups: they come together, so that nothing jumps.
  if (data === undefined || changed.isLoading)
    return error === null ? <Loading lines={8} label="Loading failures" /> : <Fault error={error} retry={() => void refetch()} />;
  if (groups.length === 0)
    return (
      <>
        <Empty title={data.muted.total === 0 ? "Nothing failed. Well done." : "Nothing failed but what is muted"}>
          {operation === undefined ? "No item" : `No item of ${operation}`} ended as {data.muted.total === 0 ? "a" : "another"} failure in
          this time. How long failures are remembered is a matter of the{" "}
          <Link to="/settings" className="link">
            retention
          </Link>
          .
        </Empty>
        <MutedList range={range} operation={operation} />
      </>
    );
  const { settings = null, start = null } = changed.data ?? {};
  return (
    <>
      {error === null ? null : <Fault error={error} retry={() => void refetch()} />}
      {settings === null && start === null ? null : (
        <div className="flex flex-col gap-1 text-sm text-soft">
          {settings === null ? null : (
            <p className="flex flex-wrap items-center gap-x-1.5">
              <Icon name="sliders" /> Settings were changed last <Time at={settings.timestamp} />:{" "}
              <code className="break-all">{settings.text}</code>
            </p>
          )}
          {start === null ? null : (
            <p className="flex flex-wrap items-center gap-x-1.5">
              <Icon name="up" /> {start.text} <Time at={start.timestamp} />
            </p>
          )}
        </div>
      )}
      <Wide label="Failures by kind">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Error</th>
              <th scope="col" className="number">
                Items
              </th>
              <th scope="col" className="hidden w-28 pl-4! md:table-cell">
                Trend
              </th>
              <th scope="col" className="number hidden md:table-cell">
                First
              </th>
              <th scope="col" className="number hidden md:table-cell">
                Last
              </th>
              <th scope="col" className="hidden pl-6! lg:table-cell">
                Where
              </th>
              {mayAct ? (
                <th scope="col" className="hidden md:table-cell">
                  <span className="sr-only">Act</span>
                </th>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {groups.map((group, i) => (
              <GroupRow
                key={group.fingerprint}
                group={group}
                isActive={i === active}
                isAdmin={isAdmin}
                mayAct={mayAct}
                since={since(group, settings, start)}
                onRetry={() => setRetrying(group)}
                onGiveUp={() => setGivingUp(group)}
                onMute={() => setMuting(group)}
              />
            ))}
          </tbody>
        </table>
      </Wide>
      {data.total > groups.length ? (
        <p className="text-sm text-soft">
          The {groups.length} most frequent of {count(data.total)} kinds.
        </p>
      ) : null}
      {retrying === null ? null : (
        <BulkDialog
          request={{ action: "retry", filter: { errorFingerprint: retrying.fingerprint } }}
          about={`Only items that failed so: ${retrying.error}`}
          onClose={() => setRetrying(null)}
        />
      )}
      {givingUp === null ? null : <GiveUpDialog group={givingUp} onClose={() => setGivingUp(null)} />}
      {muting === null ? null : <MuteDialog group={muting} onClose={() => setMuting(null)} />}
      <MutedList range={range} operation={operation} />
    </>
  );
}

/** After which of the newest changes the kind was first seen. */
function since(group: Group, settings: { timestamp: string } | null, start: { timestamp: string } | null): string | null {
  const isAfter = (mark: { timestamp: string } | null): boolean =>
    mark !== null && Date.parse(group.first_seen) >= Date.parse(mark.timestamp);
  const [afterSettings, afterStart] = [isAfter(settings), isAfter(start)];
  if (afterSettings && afterStart) return "since the settings changed and the server started";
  return afterSettings ? "since the settings changed" : afterStart ? "since the server started" : null;
}

interface GroupRowProps {
  group: Group;
  isActive: boolean;
  isAdmin: boolean;
  mayAct: boolean;
  /** First seen after the last change of this. */
  since: string | null;
  onRetry: () => void;
  onGiveUp: () => void;
  onMute: () => void;
}

function GroupRow({ group, isActive, isAdmin, mayAct, since, onRetry, onGiveUp, onMute }: GroupRowProps): ReactElement {
  const { sample } = group;
  const isRest = group.fingerprint === "";
  const [first] = group.operations;
  const actions =
    isRest || !mayAct ? null : (
      <>
        <button type="button" className="button" onClick={onRetry}>
          Retry
        </button>
        {isAdmin ? (
          <button type="button" className="button button-quiet" onClick={onGiveUp}>
            Give up
          </button>
        ) : null}
        <button type="button" className="button button-quiet button-icon" aria-label={`Mute: ${group.error}`} title="Mute" onClick={onMute}>
          <Icon name="mute" />
        </button>
        {!isAdmin || first === undefined ? null : (
          <Link
            to="/alerts"
            search={{ tab: "rules", edit: "", kind: "highErrorRate", instance: `operation:${first.name}` }}
            aria-label={`Alert on errors of ${first.name}`}
            title={`Alert on errors of ${first.name}`}
            className="button button-quiet button-icon"
          >
            <Icon name="bell" />
          </Link>
        )}
      </>
    );
  return (
    <tr className={`[&>*]:py-3! [&>*]:align-top ${isActive ? "outline-2 -outline-offset-2 outline-accent" : ""}`}>
      <th scope="row" className="text-left whitespace-normal! md:min-w-72">
        <span className="line-clamp-3 font-medium break-words" title={group.error}>
          {isRest ? "Other kinds, too many to tell apart" : group.error}
        </span>
        <span className="mt-0.5 flex flex-wrap items-center gap-x-2 gap-y-0.5 text-xs font-normal text-soft">
          {group.new ? (
            <span className="inline-flex items-center gap-1 font-medium text-accent">
              <Icon name="plus" /> new
            </span>
          ) : null}
          {since === null ? null : <span className="text-warn">{since}</span>}
          <span>
            <code>{group.code}</code> · {group.category}
          </span>
          <Link
            to="/batches/$id"
            params={{ id: sample.batch_id }}
            search={{ items: "failed", error: group.error.slice(0, 200) }}
            hash="results"
            className="link"
          >
            newest example: {sample.item_key}
          </Link>
        </span>
        {isRest ? null : (
          <span className="mt-1 block max-w-xl text-xs font-normal text-soft">
            <Icon name={group.recoverable ? "retry" : "slash"} /> {group.recommendation}.
          </span>
        )}
        <span className="mt-2 flex flex-wrap items-center gap-2 text-xs font-normal text-soft md:hidden">
          <span className="w-full">
            last seen <Time at={group.last_seen} />
          </span>
          {actions}
        </span>
      </th>
      <td className="number">{count(group.count)}</td>
      <td className="hidden pl-4! md:table-cell">
        <Spark values={group.trend} />
      </td>
      <td className="number hidden md:table-cell">
        <Time at={group.first_seen} />
      </td>
      <td className="number hidden md:table-cell">
        <Time at={group.last_seen} />
      </td>
      <td className="hidden max-w-48 pl-6! text-soft lg:table-cell">
        {[
          ...group.operations.map((each) => ({ ...each, queue: `operation:${each.name}` })),
          ...group.streams.map((each) => ({ name: `stream ${each.name}`, count: each.count, queue: null })),
        ]
          .slice(0, 4)
          .map(({ name, count: items, queue }) => (
            <span key={name} className="flex justify-between gap-3">
              {queue === null ? (
                <span className="truncate">{name}</span>
              ) : (
                <Link to="/failures" search={{ tab: "dead", queue }} title={`Dead letters of ${name}`} className="link truncate">
                  {name}
                </Link>
              )}{" "}
              <span className="figure">{count(items)}</span>
            </span>
          ))}
      </td>
      {mayAct ? (
        <td className="hidden md:table-cell">
          <span className="-my-1.5 flex justify-end gap-1">{actions}</span>
        </td>
      ) : null}
    </tr>
  );
}
