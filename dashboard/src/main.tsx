// Before React loads: it tells of its work only whom it finds then.
import "./live/commits.ts";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { cache } from "./data/cache.ts";
import { shared } from "./data/client.ts";
import { startRhythm } from "./data/rhythm.ts";
import { startLive } from "./live/live.ts";
import { router } from "./router.tsx";
import { startPreference } from "./theme/preference.ts";
import "./theme/theme.css";
import "./theme/parts.css";

const SharedPage = lazy(async () => ({ default: (await import("./pages/shared/page.tsx")).SharedPage }));

startPreference();
startRhythm();
// A shared link may hear of its own batch only.
if (shared === null) startLive();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      {shared === null ? (
        <RouterProvider router={router} />
      ) : (
        <Suspense>
          <SharedPage id={shared.batch} />
        </Suspense>
      )}
    </QueryClientProvider>
  </StrictMode>,
);
