import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function StreamPage(): ReactElement {
  return <PageTitle title="Stream" />;
}
