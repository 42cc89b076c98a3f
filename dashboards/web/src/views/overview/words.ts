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
