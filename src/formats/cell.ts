/** What a cell shows: null and undefined are empty, objects and arrays their JSON, everything else itself. */
export function cellValue(value: unknown): string | number | boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    default:
      return value === null || value === undefined ? "" : (JSON.stringify(value) ?? "");
  }
}

/**
 * Whether a spreadsheet program would take this text for a formula (OWASP: CSV injection). Only text can be one: the number
 * -1 stays a number, the text "-1" is neutralised.
 */
export function looksLikeFormula(text: string): boolean {
  const first = text.charCodeAt(0);
  // = + - @ TAB CR
  return first === 0x3d || first === 0x2b || first === 0x2d || first === 0x40 || first === 0x09 || first === 0x0d;
}
