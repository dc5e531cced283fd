/** The browser reads what it saves after the press on the link, at its own pace. */
const READ_WITHIN_MS = 60_000;

/** Hands a file to the browser to keep. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), READ_WITHIN_MS);
}

/** Hands a text to the browser as a file to keep. */
export function save(name: string, type: string, text: string): void {
  saveBlob(name, new Blob([text], { type }));
}
