import { useId, useLayoutEffect, useRef, type ReactElement, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { Icon } from "./icon.tsx";

/**
 * Where the focus begins: what asked for it, else the first field, else the first button below, which refuses. A finger is spared
 * the keyboard that would come up over the half of the dialog.
 */
function firstOf(dialog: HTMLDialogElement): HTMLElement {
  const active = document.activeElement;
  if (active instanceof HTMLElement && active.matches("input") && dialog.contains(active)) return active;
  if (!window.matchMedia("(pointer: fine)").matches) return dialog;
  const field = "[data-body] :is(input, select, textarea):not(:disabled), [data-body][tabindex]";
  return dialog.querySelector<HTMLElement>(field) ?? dialog.querySelector<HTMLElement>("footer button:not(:disabled)") ?? dialog;
}

/** The browser's own modal dialog: it holds the focus, gives it back, and closes on Escape. Mounted = open. */
export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  bare?: boolean;
  /** For more than a question: a form of two columns. */
  wide?: boolean;
  /** Nothing in it takes the focus: then it does itself, so that the keyboard can move it. */
  text?: boolean;
}): ReactElement {
  const { title, onClose, children, footer, bare = false, wide = false, text = false } = props;
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  const pressed = useRef<EventTarget | null>(null);
  // Before anything else can be pressed; closed while it is still there, because afterwards it could not give the focus back.
  useLayoutEffect(() => {
    const dialog = element.current;
    if (dialog === null) return;
    dialog.showModal();
    firstOf(dialog).focus();
    return () => dialog.close();
  }, []);
  // Beside the page, so that it looks and reads the same wherever it was opened.
  return createPortal(
    <dialog
      ref={element}
      aria-labelledby={id}
      tabIndex={-1}
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
        <div
          data-body=""
          {...(text ? { tabIndex: 0, role: "group", "aria-label": title } : {})}
          className={`min-h-0 overflow-y-auto ${bare ? "" : "px-5 py-4"}`}
        >
          {children}
        </div>
        {footer === undefined ? null : (
          <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{footer}</footer>
        )}
      </div>
    </dialog>,
    document.body,
  );
}
