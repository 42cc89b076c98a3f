import type { Bilingual } from "@/api/types";
import { i18n } from "@/i18n";

/** A text of the overview in both languages, for what the panel keeps while the language changes. */
export function both(key: string, named: Record<string, unknown> = {}): Bilingual {
  const of = (locale: "zh-CN" | "en"): string => i18n.global.t(`overview.${key}`, named, { locale });
  return { zh: of("zh-CN"), en: of("en") };
}

/** Decimals with which a number that grows every second is seen to grow. */
export function growingDecimals(value: number | null): number {
  const size = Math.abs(value ?? 0);
  // From ten thousand on it is written in the next larger unit.
  return size >= 10_000 || size < 100 ? 3 : 1;
}

const OF_A_RUNNING_INTERVAL: ReadonlySet<string> = new Set(["open", "partial"]);
/** From so much on, what lacks is what a running interval lacks. */
export const COVERED_SHARE_MIN = 0.95;

/** That today has not ended is no doubt of its numbers: said in the panel, not beside each of them. */
export function isQuiet(flags: readonly string[], coveredShare: number): boolean {
  return coveredShare >= COVERED_SHARE_MIN && flags.every((flag) => OF_A_RUNNING_INTERVAL.has(flag));
}

/** Of the part of today that has passed, how much is covered: the answer counts the interval that runs in full. */
export function coveredOfPassed(share: number, of: { start: number; end: number }, now: number): number {
  const passed = Math.min(of.end, now) - of.start;
  return passed <= 0 ? share : Math.min(1, (share * (of.end - of.start)) / passed);
}
