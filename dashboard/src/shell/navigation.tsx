import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { Icon } from "../parts/icon.tsx";
import { PAGES } from "./pages.ts";

const entry = "flex items-center gap-2.5 rounded-md px-2 py-1.5 text-base text-soft hover:text-ink";

export function Navigation(): ReactElement {
  return (
    <nav aria-label="Pages" className="mt-6 flex flex-col gap-0.5">
      {PAGES.map((page) => (
        <Link
          key={page.to}
          to={page.to}
          activeOptions={{ exact: page.to === "/", includeSearch: false }}
          className={entry}
          activeProps={{ className: "bg-wash font-medium text-ink!" }}
        >
          <Icon name={page.icon} /> {page.label}
        </Link>
      ))}
      <a href="/docs" className={entry}>
        <Icon name="book" /> API
      </a>
    </nav>
  );
}
