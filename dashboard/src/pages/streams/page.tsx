import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function StreamsPage(): ReactElement {
  return <PageTitle title="Streams" />;
}
