import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import type { PreviewHistory } from "batchyard/client";
import { duration } from "../../../figures/duration.ts";
import { rate } from "../../../figures/number.ts";
import { Awaited } from "../../../parts/notice.tsx";
import { Section, Wide } from "../../../parts/section.tsx";
import { Time } from "../../../parts/time.tsx";
import { RULE_FIELDS, type RuleField } from "../../../streams/rule-fields.tsx";
import { changesQuery } from "../queries.ts";

type Change = PreviewHistory[number];
type Figures = NonNullable<Change["predicted"]>;

/** Versions of the rules, newest first: what each changed, what was expected of it, what it did within a day. */
export function ChangeList({ name, onLoad }: { name: string; onLoad?: (rules: Change["before"]) => void }): ReactElement {
  const { data, error, refetch } = useQuery(changesQuery(name));
  return (
    <Section title="Earlier changes" aside="expected of the day before, against what happened in the day after">
      {data === undefined ? (
        <Awaited error={error} lines={3} label="Loading changes" retry={() => void refetch()} />
      ) : data.length === 0 ? (
        <p className="text-soft">
          The rules are as they were from the beginning. Each change is listed here, and a day later how well it was predicted.
        </p>
      ) : (
        <Wide label="Earlier changes">
          <table className="table" aria-label="Earlier changes">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">What</th>
                <th scope="col" className="number">
                  Figure
                </th>
                <th scope="col" className="number">
                  Predicted
                </th>
                <th scope="col" className="number">
                  Actual
                </th>
                <th scope="col" className="number">
                  Off by
                </th>
                {onLoad === undefined ? null : (
                  <th scope="col">
                    <span className="sr-only">Actions</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {data.map((change) => (
                <ChangeRow key={change.at} change={change} {...(onLoad === undefined ? {} : { onLoad })} />
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}

function ChangeRow({ change, onLoad }: { change: Change; onLoad?: (rules: Change["before"]) => void }): ReactElement {
  const { predicted, actual, error, state, measured_at } = change;
  const lines: { name: string; of: (figures: Figures) => string; off: number | null | undefined }[] = [
    {
      name: "items a batch",
      of: (figures) => (figures.items_per_batch === null ? "—" : rate(figures.items_per_batch.mean)),
      off: error?.items_per_batch,
    },
    { name: "age p50", of: (figures) => ageOf(figures, "p50"), off: error?.age_p50 },
    { name: "age p95", of: (figures) => ageOf(figures, "p95"), off: error?.age_p95 },
  ];
  return (
    <tr>
      <td className="align-top">
        <Time at={change.at} />
      </td>
      <td className="align-top">
        <ul>
          {differences(change).map((line) => (
            <li key={line.label} className="whitespace-nowrap">
              {line.label} <span className="figure text-soft">{line.before}</span> →{" "}
              <span className="figure font-medium">{line.after}</span>
            </li>
          ))}
        </ul>
      </td>
      <td className="number text-soft">
        <Lines of={lines.map((line) => line.name)} />
      </td>
      <td className="number">
        {predicted === null ? <span className="text-soft">no arrivals</span> : <Lines of={lines.map((line) => line.of(predicted))} />}
      </td>
      <td className="number">
        {actual !== null ? (
          <Lines of={lines.map((line) => line.of(actual))} />
        ) : state === "waiting" ? (
          <span className="text-soft">
            known <Time at={measured_at} />
          </span>
        ) : (
          <span className="text-soft">no traffic</span>
        )}
      </td>
      <td className="number text-soft">{error === null ? "—" : <Lines of={lines.map((line) => offBy(line.off))} />}</td>
      {onLoad === undefined ? null : (
        <td className="number align-top">
          <button type="button" className="button" onClick={() => onLoad(change.before)}>
            Roll back
          </button>
        </td>
      )}
    </tr>
  );
}

function Lines({ of }: { of: readonly string[] }): ReactElement {
  return (
    <span className="flex flex-col py-1">
      {of.map((line, i) => (
        <span key={i}>{line}</span>
      ))}
    </span>
  );
}

function ageOf(figures: Figures, p: "p50" | "p95"): string {
  return figures.age_at_closure_ms === null ? "—" : duration(figures.age_at_closure_ms[p]);
}

function offBy(share: number | null | undefined): string {
  if (share === null || share === undefined) return "—";
  return `${share > 0 ? "+" : share < 0 ? "−" : ""}${(Math.abs(share) * 100).toFixed(1)} %`;
}

function differences({ before, after }: Change): { label: string; before: string; after: string }[] {
  return RULE_FIELDS.flatMap((field) => {
    const [was, is] = [before[field.name], after[field.name]];
    return was === is ? [] : [{ label: field.label, before: written(field, was), after: written(field, is) }];
  });
}

function written(field: RuleField, value: Change["before"][string] | undefined): string {
  if (value === undefined) return "none";
  return field.unit === "s" ? duration(Number(value) * 1000).replace(".0 s", " s") : String(value);
}
