import type { ReactElement } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import type { Comparison } from "batchyard/client";
import { count } from "../../figures/number.ts";
import { Fault, Loading } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { ChangedItems } from "./changed-items.tsx";
import { changedQuery } from "./queries.ts";
import type { ChangeKind } from "./search.ts";

/** The items that are in both and came out otherwise, a page at a time. */
export function ChangedSection({ a, b, counts }: { a: string; b: string; counts: Comparison["counts"] }): ReactElement {
  const { kind } = useSearch({ from: "/batches/compare" });
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(changedQuery(a, b, kind));
  const { changed, fixed, broken } = counts;
  const tabs: { kind: ChangeKind | undefined; label: string; items: number }[] = [
    { kind: undefined, label: "All", items: changed },
    { kind: "broken", label: "Now fail", items: broken },
    { kind: "fixed", label: "Now succeed", items: fixed },
    { kind: "other", label: "Other values", items: changed - fixed - broken },
  ];
  const items = data?.pages.flat() ?? [];
  const total = tabs.find((tab) => tab.kind === kind)?.items ?? changed;
  return (
    <Section
      title="Changed items"
      aside={
        <nav aria-label="Which changes" className="flex flex-wrap gap-1">
          {tabs.map((tab) => (
            <Link
              key={tab.label}
              to="/batches/compare"
              search={{ a, b, ...(tab.kind === undefined ? {} : { kind: tab.kind }) }}
              resetScroll={false}
              aria-current={tab.kind === kind}
              className={`rounded-sm px-2 py-0.5 ${tab.kind === kind ? "bg-wash font-medium text-ink" : "hover:text-ink"}`}
            >
              {tab.label} <span className="figure">{count(tab.items)}</span>
            </Link>
          ))}
        </nav>
      }
    >
      {total === 0 ? (
        <p className="text-soft">{changed === 0 ? "No item that is in both ended otherwise." : "No item changed in this way."}</p>
      ) : data === undefined ? (
        error === null ? (
          <Loading lines={4} label="Reading what changed" />
        ) : (
          <Fault error={error} retry={() => void refetch()} />
        )
      ) : (
        <>
          <ChangedItems items={items} />
          <div className="flex flex-wrap items-center gap-3 text-sm text-soft">
            {hasNextPage ? (
              <button type="button" className="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                More
              </button>
            ) : null}
            <span className="figure">
              {count(items.length)} of {count(total)}
            </span>
          </div>
        </>
      )}
    </Section>
  );
}
