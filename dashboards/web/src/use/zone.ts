/** Wall clocks of a zone, by the browser's own zone data. All instants are UTC [ms]. */

const formats = new Map<string, Intl.DateTimeFormat>();

export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** A day of the calendar, "2026-01-31". */
export type CalendarDay = string;

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  return format;
}

export function wallOf(at: number, zone: string): Wall {
  const wall: Record<string, number> = {};
  for (const part of formatOf(zone).formatToParts(at)) wall[part.type] = Number(part.value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = wall;
  return { year, month, day, hour, minute, second };
}

/** How far the zone's clocks are ahead of UTC [ms]. */
export function offsetOf(at: number, zone: string): number {
  const { year, month, day, hour, minute, second } = wallOf(at, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
}

/** The instant at which the zone's clocks show so much after midnight of a day. */
export function instantOf(day: CalendarDay, afterMidnightMs: number, zone: string): number {
  const shown = Date.parse(`${day}T00:00:00Z`) + afterMidnightMs;
  const first = shown - offsetOf(shown, zone);
  return shown - offsetOf(first, zone);
}

export function dayOf(at: number, zone: string): CalendarDay {
  const { year, month, day } = wallOf(at, zone);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

export function shiftDay(day: CalendarDay, days: number): CalendarDay {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** "UTC+8", as it is shown beside times. */
export function zoneText(at: number, zone: string): string {
  const minutes = Math.round(offsetOf(at, zone) / 60_000);
  const sign = minutes < 0 ? "−" : "+";
  const rest = Math.abs(minutes) % 60;
  return `UTC${sign}${Math.floor(Math.abs(minutes) / 60)}${rest ? `:${pad(rest, 2)}` : ""}`;
}

export function pad(value: number, length: number): string {
  return String(value).padStart(length, "0");
}
