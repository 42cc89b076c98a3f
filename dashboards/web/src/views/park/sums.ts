import type { Bilingual, Measures, Park, ParkMemberSum } from "@/api/types";
import { businessDay, startOfDay, type PeriodRules } from "@/use/period";
import { dayOf, shiftDay, type CalendarDay } from "@/use/zone";

/** One site of a member, with the sums that it shares: totals over all carriers, by the day on which they begin. */
export interface MemberSite {
  key: string;
  member: string;
  site: string;
  name: Bilingual;
  timeZone: string;
  /** Newest last. */
  days: { day: CalendarDay; start: string; sum: Measures }[];
}

export function memberKey(of: { member_code: string; site_code: string }): string {
  return `${of.member_code}/${of.site_code}`;
}

/** The totals of each member's sites; carriers are left out. */
export function memberSites(rows: readonly ParkMemberSum[]): MemberSite[] {
  const found = new Map<string, MemberSite>();
  for (const row of rows) {
    if (row.carrier !== "") continue;
    const key = memberKey(row);
    let site = found.get(key);
    if (site === undefined) {
      const name = { zh: row.name_zh, en: row.name_en };
      found.set(key, (site = { key, member: row.member_code, site: row.site_code, name, timeZone: row.time_zone, days: [] }));
    }
    site.days.push({ day: dayOf(Date.parse(row.start), row.time_zone), start: row.start, sum: row });
  }
  const sites = [...found.values()];
  for (const site of sites) site.days.sort((one, other) => Date.parse(one.start) - Date.parse(other.start));
  return sites.toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

/** Members that the park lists now and whose sums it does not see. */
export function withoutSums(members: Park["members"], sites: readonly MemberSite[], now: number): string[] {
  const seen = new Set(sites.map((site) => site.member));
  const listed = members.filter((member) => Date.parse(member.valid_from) <= now && (member.valid_to === null || Date.parse(member.valid_to) > now));
  return [...new Set(listed.map((member) => member.member_code))].filter((code) => !seen.has(code)).toSorted();
}

/** The sum of all; null where one of them is not known: less than all would pass for all. */
export function sumOf(values: readonly (number | null)[]): number | null {
  if (values.length === 0) return null;
  return values.reduce<number | null>((total, value) => (total === null || value === null ? null : total + value), 0);
}

/** Shares of a whole; null where it, or the part, is not known or the whole is nothing. */
export function sharesOf(values: readonly (number | null)[]): (number | null)[] {
  const whole = sumOf(values);
  return values.map((value) => (value === null || whole === null || whole <= 0 ? null : value / whole));
}

/** The last so many days of the calendar, oldest first. */
export function lastDays(count: number, now: number, rules: PeriodRules): CalendarDay[] {
  const today = businessDay(now, rules);
  return Array.from({ length: count }, (_none, index) => shiftDay(today, index - count + 1));
}

/** A period that holds those days of every member, whenever their days begin. */
export function spanOfDays(days: readonly CalendarDay[], end: number, rules: PeriodRules): { start: string; end: string } {
  const first = days[0] ?? businessDay(end, rules);
  return { start: new Date(startOfDay(shiftDay(first, -1), { ...rules, dayStartMs: 0 })).toISOString(), end: new Date(end).toISOString() };
}

/** The day of a member that runs now, and the whole one before it; a day that is long over is not of now. */
export function runningDay(site: MemberSite, now: number): { running: MemberSite["days"][number] | null; before: MemberSite["days"][number] | null } {
  const last = site.days.at(-1) ?? null;
  const isOver = last === null || now >= Date.parse(last.start) + DAY_MS_MAX;
  return isOver ? { running: null, before: last } : { running: last, before: site.days.at(-2) ?? null };
}

/** How much of a day is over, from 0 to 1. */
export function dayShare(start: string, now: number): number {
  return Math.min(1, Math.max(0, (now - Date.parse(start)) / 86_400_000));
}

/** The day on which clocks go back has 25 hours. */
const DAY_MS_MAX = 25 * 3_600_000;
