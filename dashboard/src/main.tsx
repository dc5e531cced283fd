import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { cache } from "./data/cache.ts";
import { startLive } from "./live/live.ts";
import { router } from "./router.tsx";
import { startPreference } from "./theme/preference.ts";
import "./theme/theme.css";
import "./theme/parts.css";

startPreference();
startLive();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
