// Control characters would break the header, bidirectional marks disguise an ending, separators name a directory.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069/\\]/g;

/** Headers of a download: always an attachment, never sniffed, under a name that is safe on every system. */
export function attachment(name: string, contentType: string): Record<string, string> {
  const safe = name.replace(UNSAFE, "_").slice(0, 200);
  const ascii = safe.replace(/[^\x20-\x7e]|["%]/g, "_");
  // RFC 5987 leaves fewer characters alone than encodeURIComponent.
  const full = encodeURIComponent(safe.toWellFormed()).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return {
    "content-type": contentType,
    "content-disposition": `attachment; filename="${ascii}"; filename*=UTF-8''${full}`,
    "x-content-type-options": "nosniff",
  };
}
