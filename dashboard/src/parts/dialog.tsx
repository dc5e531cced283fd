import { useEffect, useId, useLayoutEffect, useRef, type ReactElement, type ReactNode } from "react";
import { Icon } from "./icon.tsx";

/** The browser's own modal dialog: it holds the focus, gives it back, and closes on Escape. Mounted = open. */
export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  bare?: boolean;
  /** For more than a question: a form of two columns. */
  wide?: boolean;
}): ReactElement {
  const { title, onClose, children, footer, bare = false, wide = false } = props;
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  const pressed = useRef<EventTarget | null>(null);
  // Before anything else can be pressed.
  useLayoutEffect(() => element.current?.showModal(), []);
  useEffect(() => {
    const dialog = element.current;
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      className={`dialog p-0 ${wide ? "dialog-wide" : ""}`}
      onClose={onClose}
      // Beside it closes it; a press that began inside does not, wherever it ends: text is selected so, and what is pressed may move away.
      onPointerDown={(event) => {
        pressed.current = event.target;
      }}
      onClick={(event) => {
        if (event.target === element.current && pressed.current === element.current) element.current?.close();
      }}
    >
      <div className="flex max-h-[76vh] flex-col">
        <header className={bare ? "sr-only" : "flex items-center justify-between border-b border-line px-5 py-3"}>
          <h2 id={id}>{title}</h2>
          {bare ? null : (
            <button type="button" aria-label="Close" className="button button-quiet button-icon" onClick={() => element.current?.close()}>
              <Icon name="cross" />
            </button>
          )}
        </header>
        <div className={`min-h-0 overflow-y-auto ${bare ? "" : "px-5 py-4"}`}>{children}</div>
        {footer === undefined ? null : (
          <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{footer}</footer>
        )}
      </div>
    </dialog>
  );
}
