const MAX_NAME = 255;

/** Control characters, path separators and the characters with which a name can pretend to read in the other direction. */
const FORBIDDEN = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** A name that is safe to store, show and send: no controls, separators or direction marks, 1 to 255 characters, its extension kept. */
export function safeFileName(name: string): string {
  const clean = name.toWellFormed().normalize("NFC").replace(FORBIDDEN, "").replace(/[/\\]/g, "_").trim();
  if (/^\.*$/.test(clean)) return "file";
  if (clean.length <= MAX_NAME) return clean;
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(clean)?.[0] ?? "";
  // A cut may halve a surrogate pair; the half is dropped.
  return clean.slice(0, MAX_NAME - extension.length).replace(/[\ud800-\udbff]$/, "") + extension;
}

/** `Content-Disposition` for a download (RFC 6266, RFC 8187): an ASCII name for old clients and the exact one for the others. */
export function contentDisposition(name: string): string {
  const safe = safeFileName(name);
  const ascii = safe.replace(/[^\x20-\x7e]/g, "_").replace(/["\\%]/g, "_");
  const exact = encodeURIComponent(safe).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"${ascii === safe ? "" : `; filename*=UTF-8''${exact}`}`;
}
