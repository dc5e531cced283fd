import { useQueryClient } from "@tanstack/react-query";
import { messageOf } from "../../parts/notice.tsx";
import { toast } from "../../parts/toast.ts";

/** Does something to the alerting and reads everything of it anew; what was refused is said in the server's words. */
export function useAct(): (done: string, run: () => Promise<unknown>) => Promise<boolean> {
  const cache = useQueryClient();
  return async (done, run) => {
    try {
      await run();
      toast(done);
      return true;
    } catch (error) {
      toast(messageOf(error), "bad");
      return false;
    } finally {
      await Promise.all([cache.invalidateQueries({ queryKey: ["alerts"] }), cache.invalidateQueries({ queryKey: ["standing"] })]);
    }
  };
}
