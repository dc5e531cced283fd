import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { PageTitle } from "./page-title.tsx";

export function NotFound(): ReactElement {
  return (
    <>
      <PageTitle title="There is no such page" />
      <p className="text-soft">
        The address leads nowhere.{" "}
        <Link to="/" className="link">
          Overview
        </Link>{" "}
        and{" "}
        <Link to="/batches" className="link">
          Batches
        </Link>{" "}
        are there.
      </p>
    </>
  );
}
