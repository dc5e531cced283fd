const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const small = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 6 });
const exact = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 9 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** 15600 → "15,600" */
export function count(value: number): string {
  return whole.format(value);
}

/** 1234567 → "1.23M": only where the exact figure stands nearby or in the title. */
export function compact(value: number): string {
  return Math.abs(value) < 10_000 ? whole.format(value) : short.format(value);
}

/** One decimal under a hundred, none above: 4.2, 118 */
export function rate(value: number): string {
  return new Intl.NumberFormat("en", { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 }).format(value);
}

/** Two significant digits under one, as a rate above: 0.018, 4.2, 118 */
export function significant(value: number): string {
  return Math.abs(value) < 1 ? new Intl.NumberFormat("en", { maximumSignificantDigits: 2 }).format(value) : rate(value);
}

/** A share of 0..1 as "98.0 %"; never rounded up to 100 nor down to 0. */
export function percent(share: number): string {
  const value = share * 100;
  const shown = Math.round(value * 10) / 10;
  if (shown >= 100 && value < 100) return "> 99.9 %";
  if (shown <= 0 && value > 0) return "< 0.1 %";
  return `${shown.toFixed(shown === 0 || shown === 100 ? 0 : 1)} %`;
}

/** US dollars: "$0.00", "$0.0042", "$1,012.40" */
export function money(value: number): string {
  const written = value !== 0 && Math.abs(value) < 0.01 ? small : cents;
  return `${value < 0 ? "−" : ""}$${written.format(Math.abs(value))}`;
}

/** US dollars to the last digit the API gives, at least to the cent: "$1,234.50", "$0.000123456" */
export function exactMoney(value: number): string {
  return `${value < 0 ? "−" : ""}$${exact.format(Math.abs(value))}`;
}

/** 1 item, 2 items */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** How many match; at least so many when it is not exact. */
export interface Matches {
  total: number;
  isExact: boolean;
}

/** "9,812", "10,000+" */
export function matches({ total, isExact }: Matches, write: (value: number) => string = count): string {
  return `${write(total)}${isExact ? "" : "+"}`;
}

/** "3 of 4"; "4 of 4 + 2 express", when chunks run beyond the slots rather than wait behind others of lower priority. */
export function slotsInUse(running: number, slots: number): string {
  const beyond = running - slots;
  return beyond > 0 ? `${slots} of ${slots} + ${beyond} express` : `${running} of ${slots}`;
}

/** 1536 → "1.5 KB"; powers of 1024. */
export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const step = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${rate(value / 1024 ** step)} ${units[step]}`;
}
