import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function FailuresPage(): ReactElement {
  return <PageTitle title="Failures" />;
}
