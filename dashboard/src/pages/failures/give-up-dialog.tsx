import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Fault } from "../../parts/notice.tsx";
import { toast } from "../../parts/toast.ts";
import { acts, type Group } from "./queries.ts";

/** Takes what failed so off the dead letters of its operations. */
export function GiveUpDialog({ group, onClose }: { group: Group; onClose: () => void }): ReactElement {
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  async function giveUp(): Promise<void> {
    setBusy(true);
    try {
      let deleted = 0;
      for (const { name } of group.operations)
        deleted += (await acts.giveUp({ name, kind: "operation" }, { fingerprint: group.fingerprint })).deleted;
      toast(`${plural(deleted, "item is", "items are")} off the dead letters`);
      await cache.invalidateQueries({ queryKey: ["dead"] });
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }
  return (
    <Dialog
      title="Give up this kind of failure?"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            Keep them
          </button>
          <button type="button" className="button button-danger" disabled={busy} onClick={() => void giveUp()}>
            Give up
          </button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="break-words text-soft">{group.error}</p>
        <p>
          Items of {group.operations.map(({ name }) => name).join(", ")} that failed so leave the list of dead letters, in batches that have
          ended. Their results stay as they are, and their batches can still be retried.
        </p>
        {error === null ? null : <Fault error={error} />}
      </div>
    </Dialog>
  );
}
