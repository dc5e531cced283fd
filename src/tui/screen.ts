import { Box, render, Text, useApp, useInput, useWindowSize, type Key } from "ink";
import { createElement, memo, useEffect, useRef, useSyncExternalStore, type ReactElement } from "react";
import type { HeldFrame, HeldScreen } from "./held-screen.ts";
import { JobControl } from "./job-control.ts";
import type { Program } from "./program.ts";
import { signsOf } from "./text.ts";

/** Faster than the figures come, so that keys are answered at once. */
const MAX_FPS = 20;

/** Draws the program and hands it its keys until it has finished. Ink restores the terminal, however the process ends. */
export async function show(program: Program, held: HeldScreen): Promise<void> {
  const shown = held.handOver((frame) =>
    render(createElement(Screen, { program, frame }), {
      alternateScreen: true,
      incrementalRendering: true,
      exitOnCtrlC: false,
      maxFps: MAX_FPS,
      patchConsole: false,
      interactive: true,
    }),
  );
  try {
    await Promise.race([program.finished, shown.waitUntilExit()]);
  } finally {
    shown.unmount();
    await shown.waitUntilExit();
  }
}

function Screen({ program, frame }: { program: Program; frame: HeldFrame | null }): ReactElement {
  const { columns, rows } = useWindowSize();
  const isFirst = useRef(true);
  useSyncExternalStore(program.subscribe, program.version);
  const { suspendTerminal } = useApp();
  const jobs = useRef<JobControl>(null);
  useEffect(() => {
    const control = (jobs.current = new JobControl(suspendTerminal));
    return () => control.close();
  }, [suspendTerminal]);
  useInput((input, key) => {
    for (const name of namesOf(input, key))
      if (name === "ctrl-z") jobs.current?.stop();
      else program.press(name);
  });
  const lines = isFirst.current && frame !== null ? frame.lines : program.screen({ columns, rows });
  useEffect(() => {
    isFirst.current = false;
  }, []);
  // Every line fits: clipping them once more would cost as much as all the rest.
  return createElement(
    Box,
    { flexDirection: "column", width: columns, height: rows },
    ...lines.map((text, at) => createElement(Row, { key: at, text })),
  );
}

const Row = memo(function Row({ text }: { text: string }): ReactElement {
  return createElement(Box, { height: 1, flexShrink: 0 }, createElement(Text, { wrap: "truncate" }, text));
});

/** Keys as the keymap names them. What was pasted is as many keys as it has characters. */
function namesOf(input: string, key: Key): string[] {
  if (key.upArrow) return ["up"];
  if (key.downArrow) return ["down"];
  if (key.leftArrow) return ["left"];
  if (key.rightArrow) return ["right"];
  if (key.pageDown) return ["pagedown"];
  if (key.pageUp) return ["pageup"];
  if (key.home) return ["home"];
  if (key.end) return ["end"];
  if (key.return) return ["enter"];
  if (key.escape) return ["esc"];
  if (key.tab) return [key.shift ? "shift-tab" : "tab"];
  if (key.backspace || key.delete) return ["backspace"];
  if (key.ctrl) return [`ctrl-${input}`];
  const signs = signsOf(input).map(nameOf);
  // Escape and a key close behind it come as one key with Alt.
  return key.meta ? ["esc", ...signs] : signs;
}

/** Of one sign among others: keys that are struck fast come together, those with Ctrl as control characters. */
function nameOf(sign: string): string {
  const code = sign.charCodeAt(0);
  if (sign === " ") return "space";
  if (sign === "\r" || sign === "\n" || sign === "\r\n") return "enter";
  if (sign === "\t") return "tab";
  if (sign === "\b" || sign === "\u007f") return "backspace";
  return code < 0x20 ? (code === 0x1b ? "esc" : `ctrl-${String.fromCharCode(code + 0x60)}`) : sign;
}
