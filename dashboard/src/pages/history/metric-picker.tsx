import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { GROUP_NAMES, titleOf } from "./names.ts";
import { metricsQuery, type History } from "./queries.ts";
import { without, type HistorySearch } from "./search.ts";
import { partsOf } from "./series.ts";

/** Which metric is shown, of which source, and which part of it. */
export function MetricPicker({ search, history }: { search: HistorySearch; history: History | undefined }): ReactElement {
  const navigate = useNavigate();
  const metrics = useQuery(metricsQuery);
  const groups = Object.entries(Object.groupBy(metrics.data ?? [], ({ group }) => group));
  const { metric, source, part } = search;
  const to = (change: HistorySearch): void => void navigate({ to: "/history", search: change, resetScroll: false });
  const set = (name: "source" | "part", value: string): void => {
    const rest = without(search, name);
    to(value === "" ? rest : { ...rest, [name]: value });
  };
  const [first, second] = history?.labels ?? [];
  const parts = history === undefined ? [] : partsOf(history);
  return (
    <div className="flex flex-wrap items-end gap-3">
      <label className="flex min-w-56 flex-1 flex-col gap-1 text-sm md:max-w-80">
        <span className="text-soft">Metric</span>
        <select
          className="field"
          value={metric ?? ""}
          onChange={({ target }) => {
            const rest = without(search, "metric", "source", "part");
            to(target.value === "" ? rest : { ...rest, metric: target.value });
          }}
        >
          <option value="">Several at a glance</option>
          {groups.map(([group, of]) => (
            <optgroup key={group} label={GROUP_NAMES[group as keyof typeof GROUP_NAMES]}>
              {of?.map(({ metric: name, help }) => (
                <option key={name} value={name} title={help}>
                  {titleOf(name)}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      {metric === undefined || first === undefined ? null : (
        <Choice
          label={first}
          all={`Every ${first}`}
          chosen={source}
          names={history?.sources ?? []}
          onChange={(value) => set("source", value)}
        />
      )}
      {metric === undefined || second === undefined || (parts.length === 0 && part === undefined) ? null : (
        <Choice label={second} all={`Every ${second}`} chosen={part} names={parts} onChange={(value) => set("part", value)} />
      )}
    </div>
  );
}

function Choice(props: {
  label: string;
  all: string;
  chosen: string | undefined;
  names: readonly string[];
  onChange: (value: string) => void;
}): ReactElement {
  const { label, all, chosen, names, onChange } = props;
  // What the address asks for may have no figures in this time.
  const listed = chosen === undefined || names.includes(chosen) ? names : [chosen, ...names];
  return (
    <label className="flex min-w-40 flex-col gap-1 text-sm">
      <span className="text-soft">{label.charAt(0).toUpperCase() + label.slice(1)}</span>
      <select className="field" value={chosen ?? ""} onChange={({ target }) => onChange(target.value)}>
        <option value="">{all}</option>
        {listed.map((name) => (
          <option key={name} value={name}>
            {name.replaceAll("_", " ")}
          </option>
        ))}
      </select>
    </label>
  );
}
