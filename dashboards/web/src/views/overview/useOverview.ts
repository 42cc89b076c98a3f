import { computed, type ComputedRef } from "vue";
import {
  getCompleteness,
  getConsumption,
  getPlant,
  listConflicts,
  listFindings,
  listGaps,
  listPoints,
  listReceived,
  listSeries,
  queryEnergy,
} from "@/api/routes";
import type { Completeness, Conflicts, Consumption, EnergyRow, Findings, PlantDocument, PointState, Received, SequenceGaps } from "@/api/types";
import { useLive } from "@/live/useLive";
import { useSite } from "@/session/useSite";
import { periodOf } from "@/use/period";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { spanOf, useNow } from "@/use/usePeriod";
import { stretchesOf, type DayStretches, type Stretch } from "./compare";

const FOLLOW_MS = 10_000;
const POINTS_EVERY_MS = 10_000;
const QUALITY_EVERY_MS = 30_000;
/** More of them are told as "at least". */
const FINDINGS_MAX = 200;
const PLANT_EVERY_MS = 120_000;
const ROWS_MAX = 1_000;
const PAGE_MAX = 10_000;

/** Consumption of two equal stretches of time. */
export interface Compared {
  today: Consumption;
  yesterday: Consumption;
}

export interface Rows {
  rows: EnergyRow[];
  /** When they were read (RFC 3339). */
  asOf: string;
}

export interface Overview {
  stretches: ComputedRef<DayStretches>;
  today: AnswerUse<Consumption>;
  /** Null before the first edge of the day: then there is nothing to compare. */
  compared: AnswerUse<Compared | null>;
  /** Base results of the boundary of the site. */
  rowsToday: AnswerUse<Rows | null>;
  rowsBefore: AnswerUse<Rows | null>;
  root: ComputedRef<string | null>;
}

/** Today and what it is compared with, by the centre's clock while it is heard. */
function useStretches(): ComputedRef<DayStretches> {
  const site = useSite();
  const now = useNow();
  const { payload } = useLive();
  return computed<DayStretches>((before) => {
    const heard = payload.value === null ? Number.NEGATIVE_INFINITY : Date.parse(payload.value.window_end);
    // A stream that stands must not hold the day back.
    const at = Math.abs(heard - now.value) < site.value.baseIntervalMs ? heard : now.value;
    const found = stretchesOf(at, site.value);
    return before && before.today.end === found.today.end ? before : found;
  });
}

/** What the overview shows of today, kept fresh. */
export function useOverview(): Overview {
  const site = useSite();
  const stretches = useStretches();
  const span = (of: Stretch): ReturnType<typeof spanOf> => spanOf(site.value.code, of);
  const series = useAnswer((signal) => listSeries({ site: site.value.code, kind: "node" }, signal));
  const root = computed(
    () => series.answer.value?.series.find((each) => each.is_root && each.carrier === "")?.code ?? null,
  );

  async function rowsOf(of: Stretch, signal: AbortSignal): Promise<Rows | null> {
    if (root.value === null) return null;
    const query = { ...span(of), node: root.value, interval: "base" as const, limit: PAGE_MAX };
    const { rows, as_of: asOf } = await queryEnergy(query, signal);
    return { rows, asOf };
  }

  return {
    stretches,
    root,
    today: useAnswer((signal) => getConsumption(span(stretches.value.today), signal), {
      on: [stretches],
      follow: true,
      waitMs: FOLLOW_MS,
      within: () => stretches.value.today,
      isEmpty: (found) => found.total === null,
    }),
    compared: useAnswer(
      async (signal) => {
        const { ended, yesterday } = stretches.value;
        if (ended.end === ended.start) return null;
        const [today, before] = await Promise.all([
          getConsumption(span(ended), signal),
          getConsumption(span(yesterday), signal),
        ]);
        return { today, yesterday: before };
      },
      {
        on: [stretches],
        follow: true,
        waitMs: FOLLOW_MS,
        within: () => ({ start: stretches.value.yesterday.start, end: stretches.value.ended.end }),
      },
    ),
    rowsToday: useAnswer((signal) => rowsOf(stretches.value.today, signal), {
      on: [stretches, root],
      follow: true,
      waitMs: FOLLOW_MS,
      within: () => stretches.value.today,
    }),
    rowsBefore: useAnswer((signal) => rowsOf(stretches.value.before, signal), {
      on: [() => stretches.value.before.start, root],
      follow: true,
      waitMs: FOLLOW_MS * 2,
      within: () => stretches.value.before,
    }),
  };
}

export interface Meters {
  points: AnswerUse<PointState[]>;
  /** Of the interval that runs and the one before it. */
  recent: AnswerUse<Completeness>;
  today: AnswerUse<Completeness>;
  gaps: AnswerUse<SequenceGaps>;
  conflicts: AnswerUse<Conflicts>;
  /** What waits for a verdict, of the last 7 days as the review shows them. */
  findings: AnswerUse<Findings>;
  received: AnswerUse<Received>;
  plant: AnswerUse<PlantDocument>;
}

/** What the overview says of meters and of data quality. */
export function useMeters(stretches: ComputedRef<DayStretches>): Meters {
  const site = useSite();
  const code = (): string => site.value.code;
  const slow = { everyMs: QUALITY_EVERY_MS };
  return {
    points: useAnswer((signal) => allPoints(code(), signal), { everyMs: POINTS_EVERY_MS }),
    recent: useAnswer(
      (signal) => {
        const { end } = stretches.value.today;
        return getCompleteness(spanOf(code(), { start: end - 2 * site.value.baseIntervalMs, end }), signal);
      },
      { on: [stretches], ...slow },
    ),
    today: useAnswer((signal) => getCompleteness(spanOf(code(), stretches.value.today), signal), { on: [stretches], ...slow }),
    gaps: useAnswer((signal) => listGaps(code(), signal), slow),
    conflicts: useAnswer((signal) => listConflicts(code(), signal), slow),
    findings: useAnswer((signal) => {
      const week = periodOf({ kind: "week" }, stretches.value.today.end - 1, site.value);
      return listFindings({ ...spanOf(code(), week), state: "open", limit: FINDINGS_MAX }, signal);
    }, slow),
    received: useAnswer(
      (signal) => listReceived({ ...spanOf(code(), hours(stretches.value.today)), limit: PAGE_MAX }, signal),
      slow,
    ),
    plant: useAnswer((signal) => getPlant(code(), signal), { everyMs: PLANT_EVERY_MS }),
  };
}

async function allPoints(site: string, signal: AbortSignal): Promise<PointState[]> {
  const points: PointState[] = [];
  let cursor: string | null = null;
  do {
    const page = await listPoints({ site, limit: ROWS_MAX, cursor }, signal);
    points.push(...page.points);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return points;
}

/** Receipt is counted by hours of the clock in UTC. */
function hours({ start, end }: Stretch): Stretch {
  const hour = 3_600_000;
  return { start: Math.floor(start / hour) * hour, end: Math.ceil(end / hour) * hour };
}
