import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { duration } from "../../figures/duration.ts";
import { count, plural } from "../../figures/number.ts";
import { Fault, Loading } from "../../parts/notice.tsx";
import { Time } from "../../parts/time.tsx";
import { Episodes } from "./episodes.tsx";
import { aboutOf, measured } from "./look.ts";
import { type RuleDraft, type Tried, triedQuery } from "./queries.ts";

const HOUR_MS = 3_600_000;
const LISTED = 5;

/** What a rule would have done over the last days, and how much of them is known. */
export function RulePreview({ draft, unit }: { draft: RuleDraft; unit: string }): ReactElement {
  const { data, error } = useQuery(triedQuery(draft));
  return (
    <section aria-label="What it would have done" className="flex min-w-0 flex-col gap-3">
      <h3>What it would have done</h3>
      {data === undefined ? (
        error === null ? (
          <Loading lines={2} label="Trying the rule" />
        ) : (
          <Fault error={error} />
        )
      ) : (
        <Done tried={data} unit={unit} />
      )}
    </section>
  );
}

function Done({ tried, unit }: { tried: Tried; unit: string }): ReactElement {
  const hours = (Date.parse(tried.to) - Date.parse(tried.from)) / HOUR_MS;
  const episodes = tried.episodes.length + tried.more;
  return (
    <>
      <p className="figure">
        {episodes === 0
          ? "It would not have fired"
          : `It would have fired ${plural(episodes, "time")}, for ${hoursOf(tried.firingHours)} in all, and told each channel ${plural(tried.notifications, "time")}`}
        .{" "}
        <span className="text-soft">
          {tried.coveredHours >= hours * 0.99
            ? `Over the last ${Math.round(hours / 24)} days.`
            : `Over ${hoursOf(tried.coveredHours)} of the last ${Math.round(hours / 24)} days: in the rest nobody looked at the figures.`}
        </span>
      </p>
      {episodes === 0 ? null : (
        <>
          <Episodes
            from={Date.parse(tried.from)}
            to={Date.parse(tried.to)}
            episodes={tried.episodes.map((episode) => ({ ...episode, line: aboutOf(episode.instance).name, tone: "warn" }))}
          />
          <ul className="figure flex flex-col gap-1 text-sm text-soft">
            {tried.episodes
              .slice(-LISTED)
              .toReversed()
              .map((episode) => (
                <li key={`${episode.instance} ${episode.openedAt}`}>
                  {aboutOf(episode.instance).name}: <Time at={episode.openedAt} />, worst {measured(episode.worst, unit)}
                  {episode.resolvedAt === null ? ", still open" : ""}
                </li>
              ))}
            {episodes > LISTED ? <li>and {count(episodes - LISTED)} before</li> : null}
          </ul>
        </>
      )}
    </>
  );
}

function hoursOf(hours: number): string {
  return hours < 1 / 60 ? "less than a minute" : duration(Math.round(hours * 60) * 60_000);
}
