import type { Grade } from "@/api/types";
import type { Link } from "./picture";

export const COLUMNS = ["source", "target", "carrier", "value", "intensity", "quality"] as const;
export type Column = (typeof COLUMNS)[number];

/** A link as a line of the table. */
export interface Row {
  link: Link;
  source: string;
  target: string;
  carrier: string;
  value: number | null;
  intensity: number | null;
  quality: Grade;
}

export interface Sorting {
  column: Column;
  isDescending: boolean;
}

const WORST_FIRST: Record<Grade, number> = { bad: 0, uncertain: 1, good: 2 };

/** Rows in an order; what is not known stands last, whichever way. */
export function sorted<T extends Row>(rows: readonly T[], { column, isDescending }: Sorting, locale: string): T[] {
  const compareText = new Intl.Collator(locale).compare;
  return rows.toSorted((one, other) => {
    const [a, b] = [keyOf(one, column), keyOf(other, column)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const order = typeof a === "number" && typeof b === "number" ? a - b : compareText(String(a), String(b));
    return (isDescending ? -order : order) || compareText(one.link.id, other.link.id);
  });
}

/** Rows as CSV that spreadsheets open as they are; an unknown value is an empty field. */
export function csvOf(rows: readonly Row[], heads: readonly string[], unit: string): string {
  const lines = rows.map(({ source, target, carrier, value, intensity, quality, link }) =>
    [source, target, carrier, value, unit, intensity, quality, link.flags.join(" ")].map(field).join(","),
  );
  return `\uFEFF${[heads.map(field).join(","), ...lines].join("\r\n")}\r\n`;
}

function keyOf(row: Row, column: Column): string | number | null {
  return column === "quality" ? WORST_FIRST[row.quality] : row[column];
}

/** A field that no spreadsheet takes for a formula. */
function field(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
