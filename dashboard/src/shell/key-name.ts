const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** How a key is called on the keyboard in front of the reader: "mod+k" → "⌘K" or "Ctrl K". */
export function keyName(key: string): string {
  if (key.startsWith("mod+")) return `${isMac ? "⌘" : "Ctrl "}${key.slice(4).toUpperCase()}`;
  return key === "Escape" ? "Esc" : key;
}
