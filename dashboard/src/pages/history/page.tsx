import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function HistoryPage(): ReactElement {
  return <PageTitle title="History" />;
}
