import type { FaultInDocument } from "@/api/problem";
import type { HourlyYear, ImportReport } from "@/api/types";

export interface YearRow extends HourlyYear {
  presentCount: number;
  share: number;
}

/** What stands of each year, with the share of its hours. */
export function yearRows(years: readonly HourlyYear[]): YearRow[] {
  return years.map((year) => ({
    ...year,
    presentCount: year.hour_count - year.lacking_hour_count,
    share: (year.hour_count - year.lacking_hour_count) / year.hour_count,
  }));
}

/** The first hours of a year as a file to go on with, by the clock of China's grids. */
export function hoursTemplate(year: number): string {
  const hours = ["00", "01", "02"].map((hour) => `${year}-01-01T${hour}:00+08:00,`);
  return `${["hour,tco2_per_mwh", ...hours].join("\r\n")}\r\n`;
}

/** What is wrong with the lines of a file, as a report of an import says it. */
export function hourFaults(errors: readonly FaultInDocument[]): ImportReport {
  const faults = errors.map(({ line, column, value, detail, detail_zh }) => ({ line: line ?? 1, column: column ?? "", value: value ?? "", code: "hourly", en: detail, zh: detail_zh ?? detail }));
  return { errors: faults, rejected: faults.length };
}
