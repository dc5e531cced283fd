import type { ReactElement } from "react";
import { Fault } from "../parts/notice.tsx";
import { PageTitle } from "./page-title.tsx";

/** In place of a page that broke; the shell stays. */
export function PageFault({ error, reset }: { error: unknown; reset: () => void }): ReactElement {
  return (
    <>
      <PageTitle title="This page broke" />
      <Fault error={error} retry={reset} />
    </>
  );
}
