import { spawn } from "node:child_process";
import { Box, render, Text, useInput, useWindowSize, type Key } from "ink";
import { createElement, memo, useSyncExternalStore, type ReactElement } from "react";
import type { RunOptions } from "./options.ts";
import { Program, type Surround } from "./program.ts";
import type { Snapshot } from "./snapshot.ts";
import { signsOf } from "./text.ts";

/** Faster than the figures come, so that keys are answered at once. */
const MAX_FPS = 20;

/**
 * The dashboard on a terminal until someone leaves it; what it saw last. The alternate screen, the cursor and the line
 * discipline are restored however it ends. Throws ClientError when the server cannot be asked at the start.
 */
export async function runLive(options: RunOptions): Promise<Snapshot | null> {
  const program = new Program(options, surround());
  await program.start();
  const shown = render(createElement(Screen, { program }), {
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    maxFps: MAX_FPS,
    patchConsole: false,
    interactive: true,
  });
  try {
    await Promise.race([program.finished, shown.waitUntilExit()]);
  } finally {
    program.close();
    shown.unmount();
    await shown.waitUntilExit();
  }
  return program.snapshot;
}

function Screen({ program }: { program: Program }): ReactElement {
  const { columns, rows } = useWindowSize();
  useSyncExternalStore(program.subscribe, program.version);
  useInput((input, key) => {
    for (const name of namesOf(input, key)) program.press(name);
  });
  const lines = program.screen({ columns, rows });
  return createElement(
    Box,
    { flexDirection: "column", width: columns, height: rows, overflow: "hidden" },
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
  const signs = signsOf(input).map((sign) => (sign === " " ? "space" : sign === "\r" || sign === "\n" ? "enter" : sign));
  // Escape and a key close behind it come as one key with Alt.
  return key.meta ? ["esc", ...signs] : signs;
}

function surround(): Surround {
  return {
    write: (text) => void process.stdout.write(text),
    browse(url) {
      const [command, ...args] =
        process.platform === "darwin" ? ["open"] : process.platform === "win32" ? ["cmd", "/c", "start", ""] : ["xdg-open"];
      const child = spawn(command, [...args, url], { stdio: "ignore", detached: true });
      // Where there is no browser the address stands in the last line.
      child.on("error", () => undefined);
      child.unref();
    },
  };
}
