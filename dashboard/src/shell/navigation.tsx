import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { Icon } from "../parts/icon.tsx";
import { AlertBadge } from "./alert-badge.tsx";
import { PAGE_GROUPS } from "./pages.ts";

const entry = "flex items-center gap-2.5 rounded-md px-2 py-1.5 text-base text-soft hover:text-ink";

/** `onFollow` = told when a link is followed, also to the page that is shown already. */
export function Navigation({ onFollow }: { onFollow?: () => void }): ReactElement {
  return (
    <nav aria-label="Pages" className="flex flex-col gap-4">
      {PAGE_GROUPS.map((group, i) => (
        <ul key={group.label} aria-label={group.label} className="flex flex-col gap-0.5">
          {group.pages.map((page) => (
            <li key={page.to}>
              <Link
                to={page.to}
                activeOptions={{ exact: page.to === "/", includeSearch: false }}
                className={entry}
                activeProps={{ className: "bg-wash font-medium text-ink!" }}
                {...(onFollow === undefined ? {} : { onClick: onFollow })}
              >
                <Icon name={page.icon} /> {page.label}
                {page.to === "/alerts" ? <AlertBadge /> : null}
              </Link>
            </li>
          ))}
          {i === PAGE_GROUPS.length - 1 ? (
            <li>
              <a href="/docs" className={entry}>
                <Icon name="book" /> API
              </a>
            </li>
          ) : null}
        </ul>
      ))}
    </nav>
  );
}
