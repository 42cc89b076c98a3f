import type { Completeness, PointState } from "@/api/types";

/**
 * A meter is silent when its newest reading is older than three times what usually lies between two of its readings,
 * and older than 45 s. What is usual is seen from the two newest base intervals, or else from today.
 */
export const STEPS_MAX = 3;
export const AGE_S_MIN = 45;

export interface Silent {
  gateway: string;
  points: string[];
  /** All of the gateway's points are silent: it is the gateway. */
  isWholeGateway: boolean;
  /** Their oldest newest reading (RFC 3339); null where none ever came. */
  since: string | null;
}

export interface Exchange {
  meter: string;
  point: string;
  /** The point whose readings ended at this instant. */
  replaced: string | null;
  at: string;
}

/** Seconds that usually lie between two readings of each point, as far as the answer tells. */
export function usualSteps(found: Completeness): Map<string, number> {
  const seconds = (Math.min(Date.parse(found.end), Date.parse(found.as_of)) - Date.parse(found.start)) / 1_000;
  const counted = found.points.filter(({ total }) => total.reading_count > 1);
  return new Map(counted.map(({ point, total }) => [point, seconds / total.reading_count]));
}

/** Silent points by gateway. `steps` are tried in order: the newest first. */
export function silentPoints(points: readonly PointState[], steps: readonly Map<string, number>[]): Silent[] {
  const active = points.filter((point) => point.active && point.valid_to === null);
  const isSilent = (point: PointState): boolean => {
    if (point.age_s === null) return true;
    const usual = steps.map((each) => each.get(point.code)).find((step) => step !== undefined);
    // A point without a usual distance had at most one reading today: it is not known how often it speaks.
    return usual !== undefined && point.age_s > Math.max(AGE_S_MIN, STEPS_MAX * usual);
  };
  return [...new Set(active.map((point) => point.gateway))].flatMap((gateway) => {
    const all = active.filter((point) => point.gateway === gateway);
    const silent = all.filter(isSilent);
    if (silent.length === 0) return [];
    const known = silent.map((point) => point.last_ts).filter((at) => at !== null);
    return [
      {
        gateway,
        points: silent.map((point) => point.code),
        isWholeGateway: silent.length === all.length && all.length > 1,
        since: known.toSorted()[0] ?? null,
      },
    ];
  });
}

/** Meters exchanged since an instant: points that begin where another point of their gateway ends. */
export function exchangesSince(points: readonly PointState[], since: number): Exchange[] {
  const ended = points.filter((point) => point.valid_to !== null);
  return points
    .filter((point) => Date.parse(point.valid_from) >= since)
    .map((point) => {
      const before = ended.filter((old) => old.valid_to === point.valid_from && old.gateway === point.gateway);
      const replaced = before.length === 1 ? before[0] : before.find((old) => old.unit === point.unit && point.code.startsWith(old.code));
      return { meter: point.meter, point: point.code, replaced: replaced?.code ?? null, at: point.valid_from };
    });
}

/** Points with a step withheld in the period. */
export function withheldPoints(found: Completeness): { point: string; flag: "spike" | "decrease" }[] {
  return found.points.flatMap(({ point, total }) =>
    (["spike", "decrease"] as const).filter((flag) => total.flags.includes(flag)).map((flag) => ({ point, flag })),
  );
}
