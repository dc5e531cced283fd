import { useId, useState, type ReactElement, type ReactNode } from "react";
import { Dialog } from "./dialog.tsx";
import { Fault } from "./notice.tsx";

interface FormDialogProps {
  title: string;
  /** The button that closes and does nothing. */
  refuse: string;
  submit: string;
  /** Resolves = done, and the dialog closes; rejects = it stays, with the reason below its fields. */
  onSubmit: () => Promise<void>;
  onClose: () => void;
  children: ReactNode;
}

/** One act that asks for a few fields. */
export function FormDialog({ title, refuse, submit, onSubmit, onClose, children }: FormDialogProps): ReactElement {
  const form = useId();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function send(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await onSubmit();
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            {refuse}
          </button>
          <button type="submit" form={form} className="button button-main" disabled={busy}>
            {submit}
          </button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        {children}
        {error === null ? null : <Fault error={error} />}
      </form>
    </Dialog>
  );
}
