import { computed, type ComputedRef } from "vue";
import { useI18n } from "vue-i18n";
import type { Bilingual, Locale } from "@/api/types";
import { useSites } from "@/session/useSite";
import { clockText, instantText, numberText, shareText, shown, UNKNOWN, unitText, type Shown } from "./format";
import { zoneText } from "./zone";

type Instant = string | number | null;

export interface Format {
  locale: ComputedRef<Locale>;
  number(value: number | null, decimals?: number): string;
  shown(value: number | null, unit: string, decimals?: number): Shown;
  unit(unit: string): string;
  share(share: number | null): string;
  instant(at: Instant, precision?: "day" | "minute" | "second"): string;
  clock(at: Instant, precision?: "minute" | "second"): string;
  /** "2026-01-31 00:00 – 14:15 UTC+8" */
  span(start: Instant, end: Instant): string;
  zone: ComputedRef<string>;
  /** Of `{zh, en}` the one to show. */
  name(named: Bilingual): string;
  /** Of `{name_zh, name_en}` the one to show. */
  nameOf(named: { name_zh: string | null; name_en: string | null; code?: string }): string;
}

/** Numbers, units, times and names as the reader wants them, in the language and the zone of the site. */
export function useFormat(): Format {
  const { locale: chosen } = useI18n();
  const { site } = useSites();
  const locale = computed(() => (chosen.value === "en" ? "en" : "zh-CN"));
  const zone = computed(() => site.value?.timeZone ?? "UTC");
  return {
    locale,
    zone,
    number: (value, decimals) => numberText(value, locale.value, decimals),
    shown: (value, unit, decimals) => shown(value, unit, locale.value, decimals),
    unit: (unit) => unitText(unit, locale.value),
    share: (share) => shareText(share, locale.value),
    instant: (at, precision) => written(at, (instant) => instantText(instant, zone.value, precision)),
    clock: (at, precision) => written(at, (instant) => clockText(instant, zone.value, precision)),
    span: (start, end) => spanText(start, end, zone.value),
    name: ({ zh, en }) => (locale.value === "en" ? en : zh),
    nameOf: ({ name_zh, name_en, code }) => (locale.value === "en" ? name_en : name_zh) ?? code ?? UNKNOWN,
  };
}

function written(at: Instant, write: (instant: number) => string): string {
  return at === null ? UNKNOWN : write(typeof at === "string" ? Date.parse(at) : at);
}

function spanText(start: Instant, end: Instant, zone: string): string {
  if (start === null || end === null) return UNKNOWN;
  const [from, to] = [start, end].map((at) => (typeof at === "string" ? Date.parse(at) : at)) as [number, number];
  const isSameDay = instantText(from, zone, "day") === instantText(to, zone, "day");
  return `${instantText(from, zone)} – ${isSameDay ? clockText(to, zone) : instantText(to, zone)} ${zoneText(from, zone)}`;
}
