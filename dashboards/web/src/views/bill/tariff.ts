import type { SpecialDays, TariffBand, TariffDocument, TariffSeason, TariffStated } from "@/api/types";

export const LEVELS = [1, 2, 3, 4, 5] as const;
/** How dear a band is among those of its version: 1 the cheapest, 3 the usual, 5 the dearest. */
export type Level = (typeof LEVELS)[number];
const LEVELS_OF: Record<number, readonly Level[]> = { 1: [3], 2: [2, 4], 3: [2, 3, 4], 4: [2, 3, 4, 5] };

export const DAY_KINDS = ["workday", "weekend", "holiday"] as const;
export type DayKind = (typeof DAY_KINDS)[number];

/** A part of a day at one price, in minutes after midnight. */
export interface Segment {
  from: number;
  to: number;
  band: TariffBand;
}

const DAY_MINUTES = 1_440;

export function levelsOf(bands: readonly TariffBand[]): Map<string, Level> {
  const prices = [...new Set(bands.map(({ price }) => price))].toSorted((one, other) => one - other);
  const levels = LEVELS_OF[prices.length];
  const level = (price: number): Level => {
    const place = prices.indexOf(price);
    return levels?.[place] ?? LEVELS[Math.floor((place * LEVELS.length) / prices.length)] ?? 3;
  };
  return new Map(bands.map(({ code, price }) => [code, level(price)]));
}

/** What is in force of each target on a day, in the order of the answer; what was withdrawn or replaced is not. */
export function inForce(stated: readonly TariffStated[], day: string): TariffStated[] {
  const newest = new Map<string, TariffStated>();
  for (const row of stated) {
    const before = newest.get(row.target);
    if (row.holds && row.document !== null && row.valid_from <= day && (before === undefined || before.valid_from < row.valid_from)) newest.set(row.target, row);
  }
  return [...newest.values()];
}

/** The day's schedule as segments; one price all day where a version has no schedules. */
export function stripOf(document: TariffDocument, schedule: string | null): Segment[] {
  const bands = new Map(document.bands.map((band) => [band.code, band]));
  const [first] = document.bands;
  const times = document.days?.find((day) => day.code === schedule)?.times;
  if (times === undefined) return first ? [{ from: 0, to: DAY_MINUTES, band: first }] : [];
  return times.flatMap(({ from, to, band: code }) => {
    const band = bands.get(code);
    return band ? [{ from: minutesOf(from), to: minutesOf(to), band }] : [];
  });
}

function minutesOf(clock: string): number {
  const [hour = 0, minute = 0] = clock.split(":").map(Number);
  return hour * 60 + minute;
}

export function clockOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** The season that holds a day, "2026-01-31". */
export function seasonOn(document: TariffDocument, day: string): TariffSeason | null {
  const at = day.slice(5);
  return document.seasons?.find(({ from, to }) => (from <= to ? from <= at && at <= to : at >= from || at <= to)) ?? null;
}

/** What a day counts as: a special day before what the week says. */
export function dayKindOf(document: TariffDocument, day: string): DayKind {
  const special = document.special_days?.find(({ from, to }) => from <= day && day <= to);
  if (special) return special.kind;
  return [0, 6].includes(new Date(`${day}T00:00:00Z`).getUTCDay()) ? "weekend" : "workday";
}

/** The schedule of a kind of day: a weekend is as a workday, and a holiday as a weekend, where nothing else is said. */
export function scheduleOf(season: TariffSeason, kind: DayKind): string {
  const weekend = season.weekend ?? season.workday;
  return { workday: season.workday, weekend, holiday: season.holiday ?? weekend }[kind];
}

/** The strips of a season: kinds of days that go by one schedule stand together. */
export function stripsOf(season: TariffSeason): { schedule: string; kinds: DayKind[] }[] {
  const found = new Map<string, DayKind[]>();
  for (const kind of DAY_KINDS) {
    const schedule = scheduleOf(season, kind);
    found.set(schedule, [...(found.get(schedule) ?? []), kind]);
  }
  return [...found].map(([schedule, kinds]) => ({ schedule, kinds }));
}

/** The segment that runs at a minute of the day, and the next one of another band. */
export function segmentAt(strip: readonly Segment[], minute: number): { now: Segment | null; next: Segment | null } {
  const index = strip.findIndex(({ from, to }) => from <= minute && minute < to);
  const now = strip[index] ?? null;
  return { now, next: strip.slice(index + 1).find(({ band }) => band.code !== now?.band.code) ?? null };
}

/** The special days of the year of a day. */
export function specialDaysOf(document: TariffDocument, day: string): SpecialDays[] {
  const year = day.slice(0, 4);
  return (document.special_days ?? []).filter(({ from, to }) => from.startsWith(year) || to.startsWith(year));
}

/** The last so many months up to that of a day, "2026-11", the newest first. */
export function monthsBefore(day: string, count: number): string[] {
  const [year = 0, month = 1] = day.split("-").map(Number);
  return Array.from({ length: count }, (_, back) => new Date(Date.UTC(year, month - 1 - back, 1)).toISOString().slice(0, 7));
}

/** A month of a calendar [yyyy-mm] and its instants [ms]. */
export interface CalendarMonth {
  month: string;
  span: { start: number; end: number };
}

export function monthAfter(month: string): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 7);
}

const PRICE_DECIMALS_MIN = 2;
const PRICE_DECIMALS_MAX = 4;

/** How many decimals a price is written with: all that it has up to four, and no fewer than fen. */
export function priceDecimals(price: number): number {
  let decimals = PRICE_DECIMALS_MIN;
  while (decimals < PRICE_DECIMALS_MAX && Math.abs(price - Number(price.toFixed(decimals))) > 1e-9) decimals += 1;
  return decimals;
}
