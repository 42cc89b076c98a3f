import type { FileImport, ImportReport, ImportState, Locale } from "@/api/types";
import { numberText } from "@/use/format";

/** Something is being done with a file: it is asked for again soon. */
const WORKING: ReadonlySet<ImportState> = new Set(["uploaded", "requested", "undo_requested"]);

export function isWorking({ state }: Pick<FileImport, "state">): boolean {
  return WORKING.has(state);
}

/** What is told of a preview or of a file that was taken, in this order; what there is none of is left out. */
export const COUNTS = ["rows", "readings", "new", "duplicate", "conflict", "rejected", "missing", "totals"] as const;
export type Count = (typeof COUNTS)[number];
const ALWAYS: ReadonlySet<Count> = new Set(["rows", "readings", "new", "rejected"]);

export function countsOf(report: ImportReport): { count: Count; number: number }[] {
  const numbers: Record<Count, number> = {
    rows: report.rows ?? 0,
    readings: report.readings ?? 0,
    new: report.new ?? 0,
    duplicate: report.duplicate ?? 0,
    conflict: report.conflict ?? 0,
    rejected: report.rejected ?? 0,
    missing: report.missing ?? 0,
    totals: report.totals_left_out ?? 0,
  };
  return COUNTS.filter((count) => ALWAYS.has(count) || numbers[count] > 0).map((count) => ({ count, number: numbers[count] }));
}

/** Readings that would be taken: the new ones, and those in conflict, which are kept for review. */
export function takenCount(report: ImportReport): number {
  return (report.new ?? 0) + (report.conflict ?? 0);
}

const UNITS = ["B", "kB", "MB", "GB"] as const;

export function sizeText(bytes: number, locale: Locale): string {
  const step = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${numberText(bytes / 1_000 ** step, locale, step === 0 ? 0 : 1)} ${UNITS[step]}`;
}

/** What a file of bills looks like: its head, in the reader's language. */
export function billTemplate(locale: Locale): string {
  const head = locale === "en" ? "point,start,end (inclusive),amount,unit" : "测点,开始,结束（含）,用量,单位";
  // Excel takes a file for UTF-8 only where it begins so.
  return `\uFEFF${head}\r\n`;
}
