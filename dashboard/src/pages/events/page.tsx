import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function EventsPage(): ReactElement {
  return <PageTitle title="Events" />;
}
