import { useState, type ReactElement } from "react";
import { useQueries } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { qualified } from "batchyard/client";
import { countQuery } from "../../data/queries.ts";
import { matches, type Matches } from "../../figures/number.ts";
import { Empty } from "../../parts/notice.tsx";
import { partsOf } from "./parts-of.ts";
import { type BatchesSearch, searchedFor } from "./search.ts";

/** Which part of the search excludes everything: how many would match without each, and the way to drop it. */
export function NoMatch(): ReactElement {
  const place = useSearch({ from: "/batches" });
  const { status, q = "" } = place;
  const [now] = useState(Date.now);
  const parts = partsOf(q);
  const ways: { part: string; search: BatchesSearch }[] = [
    ...(status === undefined ? [] : [{ part: `state ${status}`, search: searchedFor(place, { q }) }]),
    ...parts.map((part, i) => {
      const rest = parts.filter((_, at) => at !== i).join(" ");
      return { part, search: searchedFor(place, { status, q: rest }) };
    }),
  ];
  const counts = useQueries({
    queries: ways.map(({ search }) =>
      countQuery({ ...qualified(search.q ?? "", now).filter, ...(search.status === undefined ? {} : { status: search.status }) }),
    ),
  });
  return (
    <Empty title="No batch matches">
      <ul className="flex flex-col items-start gap-1.5">
        {ways.map(({ part, search }, i) => {
          const found = counts[i]?.data;
          return (
            <li key={part}>
              <Link to="/batches" search={search} className="link">
                Drop <code>{part}</code>
              </Link>{" "}
              <span className="figure">{found === undefined ? "" : said(found)}</span>
            </li>
          );
        })}
        {ways.length > 1 ? (
          <li>
            <Link to="/batches" search={searchedFor(place, {})} className="link">
              Show all batches
            </Link>
          </li>
        ) : null}
      </ul>
    </Empty>
  );
}

function said(found: Matches): string {
  if (found.total === 0) return found.isExact ? "still none would match" : "none of the newest would match";
  return `${matches(found)} ${found.total === 1 && found.isExact ? "batch" : "batches"} would match`;
}
