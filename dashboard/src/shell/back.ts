import { useNavigate, useRouter } from "@tanstack/react-router";
import { useShortcuts } from "./shortcuts.ts";

/** Escape goes back to where the reader came from; to the list, when this page was the first. */
export function useBack(list: "/batches" | "/streams", label: string): void {
  const router = useRouter();
  const navigate = useNavigate();
  useShortcuts([{ keys: "Escape", label, run: () => (router.history.canGoBack() ? router.history.back() : void navigate({ to: list })) }]);
}
