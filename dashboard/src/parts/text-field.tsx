import { useId, type ReactElement } from "react";

interface TextFieldProps {
  label: string;
  value: string;
  hint: string;
  /** What the server said of it; stands in the hint's place. */
  fault?: string | undefined;
  needed?: boolean;
  type?: "text" | "number";
  onChange: (value: string) => void;
}

/** A line of text under its label. */
export function TextField({ label, value, hint, fault, needed = false, type = "text", onChange }: TextFieldProps): ReactElement {
  const id = useId();
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label} {needed ? null : <span className="font-normal text-soft">optional</span>}
      </label>
      <input
        id={id}
        type={type}
        className="field"
        value={value}
        required={needed}
        aria-invalid={fault !== undefined}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      <span id={`${id}-hint`} className={`text-xs ${fault === undefined ? "text-soft" : "text-bad"}`}>
        {fault ?? hint}
      </span>
    </div>
  );
}
