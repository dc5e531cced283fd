import { useId, useState, type ReactElement } from "react";
import type { Batch } from "batchyard/client";
import { plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/text-field.tsx";

interface FinishDialogProps {
  batch: Batch;
  onClose: () => void;
  onFinish: (reason: string) => void;
}

/** Ends a batch with what it has; what is open fails, and says why. */
export function FinishDialog({ batch, onClose, onFinish }: FinishDialogProps): ReactElement {
  const [reason, setReason] = useState("");
  const form = useId();
  const open = batch.total_items - batch.processed_items;
  const given = reason.trim();
  return (
    <Dialog
      title="Close the batch now?"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            Let it run
          </button>
          <button type="submit" form={form} className="button button-danger" disabled={given === ""}>
            Close the batch
          </button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (given !== "") onFinish(given);
        }}
      >
        <p>
          {plural(open, "open item fails and stands", "open items fail and stand")} among the dead letters of {batch.operation}; what has
          ended is kept. They can be retried later.
        </p>
        <TextField label="Why" hint="It stands in the error of each item and in the audit log" needed value={reason} onChange={setReason} />
      </form>
    </Dialog>
  );
}
