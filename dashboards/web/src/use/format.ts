import type { Locale } from "@/api/types";
import { pad, wallOf } from "./zone";

/** What a value that is not known is shown as; never 0. */
export const UNKNOWN = "—";

const LARGER: Record<string, [string, number]> = {
  Wh: ["kWh", 1_000],
  kWh: ["MWh", 1_000],
  MWh: ["GWh", 1_000],
  kW: ["MW", 1_000],
  GJ: ["TJ", 1_000],
  kgce: ["tce", 1_000],
  kgCO2e: ["tCO2e", 1_000],
  "kgce/h": ["tce/h", 1_000],
  "kgCO2e/h": ["tCO2e/h", 1_000],
  CNY: ["1e4CNY", 10_000],
};
const LARGER_FROM = 10_000;
const NUMBERS = new Map<string, Intl.NumberFormat>();

export interface Shown {
  number: string;
  unit: string;
}

/** How many decimals give a number four figures, but none where it is large. */
export function decimalsOf(value: number): number {
  const size = Math.abs(value);
  if (size >= 1_000 || size === 0) return 0;
  if (size >= 100) return 1;
  if (size >= 10) return 2;
  return size >= 1 ? 3 : Math.min(6, 3 - Math.floor(Math.log10(size)) - 1);
}

export function numberText(value: number | null, locale: Locale, decimals?: number): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN;
  const digits = decimals ?? decimalsOf(value);
  const key = `${locale}${digits}`;
  let format = NUMBERS.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    NUMBERS.set(key, format);
  }
  // A sign that is seen, and no negative nothing.
  return format.format(value).replace(/^-(?=[0,.]*$)/, "").replace(/^-/, "−");
}

/** A value in the unit that keeps it short: kWh becomes MWh from ten thousand on. */
export function shown(value: number | null, unit: string, locale: Locale, decimals?: number): Shown {
  let [size, name] = [value, unit];
  while (size !== null && Math.abs(size) >= LARGER_FROM) {
    const larger = LARGER[name];
    if (larger === undefined) break;
    size /= larger[1];
    name = larger[0];
  }
  return { number: numberText(size, locale, decimals), unit: unitText(name, locale) };
}

/** A unit as people write it. */
export function unitText(unit: string, locale: Locale): string {
  const myriad = locale === "zh-CN" ? "万" : "10⁴ ";
  return unit
    .replace("1e4CNY", locale === "zh-CN" ? "万元" : "10⁴ CNY")
    .replace(/^CNY$/, locale === "zh-CN" ? "元" : "CNY")
    .replace("1e4", myriad)
    .replaceAll("CO2", "CO₂")
    .replaceAll("m3", "m³")
    .replace(/\bpiece\b/, locale === "zh-CN" ? "件" : "piece")
    .replace(/^1$/, "");
}

export function shareText(share: number | null, locale: Locale): string {
  if (share === null) return UNKNOWN;
  // Rounded down: 99.96 % is not all of it.
  const percent = Math.floor(share * 1_000 + 1e-9) / 10;
  return `${numberText(percent, locale, percent === 100 ? 0 : 1)}%`;
}

/** "2026-01-31 14:05" on the clocks of a zone. */
export function instantText(at: number, zone: string, precision: "day" | "minute" | "second" = "minute"): string {
  const wall = wallOf(at, zone);
  const day = `${pad(wall.year, 4)}-${pad(wall.month, 2)}-${pad(wall.day, 2)}`;
  return precision === "day" ? day : `${day} ${clockText(at, zone, precision)}`;
}

export function clockText(at: number, zone: string, precision: "minute" | "second" = "minute"): string {
  const wall = wallOf(at, zone);
  const minute = `${pad(wall.hour, 2)}:${pad(wall.minute, 2)}`;
  return precision === "minute" ? minute : `${minute}:${pad(wall.second, 2)}`;
}
