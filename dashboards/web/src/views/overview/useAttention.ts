import { computed, type ComputedRef } from "vue";
import { useI18n } from "vue-i18n";
import { getEnergyFlow, queryEnergy } from "@/api/routes";
import type { Problem } from "@/api/problem";
import { useAlarms } from "@/live/useAlarms";
import { useNomenclature } from "@/session/useNomenclature";
import { useSite } from "@/session/useSite";
import { useAnswer } from "@/use/useAnswer";
import { useFormat } from "@/use/useFormat";
import { spanOf } from "@/use/usePeriod";
import { causesOf, type Cause } from "./causes";
import { exchangesSince, silentPoints, usualSteps, withheldPoints, type Silent } from "./meterNotices";
import {
  alertNotice,
  emissionNotice,
  exchangeNotice,
  gapNotice,
  plantNotice,
  silentNotice,
  withheldNotice,
  type Notice,
  type Withheld,
  type Words,
} from "./notices";
import { overEmission, type OverEmission } from "./overEmission";
import { placesOf } from "./places";
import type { Meters, Overview } from "./useOverview";

const DAY_MS = 86_400_000;
const WITHHELD_MAX = 5;
const CAUSES_EVERY_MS = 60_000;
const ROWS_MAX = 10_000;

export interface Attention {
  notices: ComputedRef<Notice[]>;
  silent: ComputedRef<Silent[] | null>;
  /** Something has not been answered yet. */
  isChecking: ComputedRef<boolean>;
  /** Why something could not be checked. */
  problem: ComputedRef<Problem | null>;
}

/** What is wrong now and what has happened today, the worst first. */
export function useAttention(overview: Overview, meters: Meters): Attention {
  const words = useWords(meters);
  const over = useOverEmission(overview);
  const causes = useCauses(over);
  const withheld = useWithheld(meters, overview);
  const silent = useSilent(meters);
  const site = useSite();
  const alarms = useAlarms();
  /** Of this site, and of the centre itself. */
  const firing = computed(() => (alarms.answer.value?.alerts ?? []).filter((alert) => alert.site === null || alert.site === site.value.code));
  const notices = computed(() => {
    const of = words.value;
    const dayStart = overview.stretches.value.today.start;
    const exchanges = exchangesSince(meters.points.answer.value ?? [], dayStart);
    const plant = meters.plant.answer.value;
    // The first description is the plant itself, and an exchange says more than its description does.
    const isChanged = plant !== null && plant.version > 1 && exchanges.length === 0 && Date.parse(plant.applied_at) >= dayStart;
    return [
      ...firing.value.map((each) => alertNotice(of, each)),
      ...(over.value ? [emissionNotice(of, over.value, causes.value)] : []),
      ...(silent.value ?? []).map((each) => silentNotice(of, each)).toSorted((one, other) => one.severity.localeCompare(other.severity)),
      ...withheld.value.map((each) => withheldNotice(of, each)),
      ...(meters.gaps.answer.value?.gaps ?? []).map((each) => gapNotice(of, each)),
      ...exchanges.map((each) => exchangeNotice(of, each)),
      ...(isChanged ? [plantNotice(of, plant)] : []),
    ];
  });
  const asked = [meters.points, meters.recent, meters.today, meters.gaps, overview.rowsToday];
  return {
    notices,
    silent,
    isChecking: computed(() => asked.some(({ answer, problem }) => answer.value === null && problem.value === null)),
    problem: computed(() => asked.map(({ problem }) => problem.value).find((each) => each !== null) ?? null),
  };
}

function useWords(meters: Meters): ComputedRef<Words> {
  const { t } = useI18n();
  const format = useFormat();
  const { carrierName } = useNomenclature();
  return computed(() => ({
    t: (key, named) => t(key, named ?? {}),
    format,
    carrierName,
    places: placesOf(meters.plant.answer.value),
  }));
}

function useOverEmission(overview: Overview): ComputedRef<OverEmission | null> {
  const site = useSite();
  return computed(() => {
    const [today, before] = [overview.rowsToday.answer.value, overview.rowsBefore.answer.value];
    if (today === null || before === null) return null;
    return overEmission([...before.rows, ...today.rows], Date.parse(today.asOf), site.value.baseIntervalMs);
  });
}

function useSilent({ points, recent, today }: Meters): ComputedRef<Silent[] | null> {
  return computed(() => {
    if (points.answer.value === null || recent.answer.value === null) return null;
    const answers = [recent.answer.value, ...(today.answer.value ? [today.answer.value] : [])];
    return silentPoints(points.answer.value, answers.map(usualSteps));
  });
}

/** What grew since yesterday; asked only when too much is emitted. */
function useCauses(over: ComputedRef<OverEmission | null>): ComputedRef<Cause[]> {
  const site = useSite();
  const start = computed(() => over.value?.start ?? null);
  const { answer } = useAnswer(
    async (signal) => {
      if (start.value === null) return null;
      const starts = [start.value, start.value - DAY_MS];
      return await Promise.all(
        starts.map((at) =>
          getEnergyFlow(
            { ...spanOf(site.value.code, { start: at, end: at + site.value.baseIntervalMs }), unit: "tCO2e" },
            signal,
          ),
        ),
      );
    },
    { on: [start], everyMs: CAUSES_EVERY_MS },
  );
  return computed(() => {
    const [now, before] = answer.value ?? [];
    if (over.value === null || now === undefined || before === undefined) return [];
    const passed = Math.min(1, (Date.parse(now.as_of) - over.value.start) / site.value.baseIntervalMs);
    return passed > 0 ? causesOf(now, before, passed) : [];
  });
}

/** Withheld steps of today with their time, for the first few points. */
function useWithheld(meters: Meters, overview: Overview): ComputedRef<Withheld[]> {
  const site = useSite();
  const found = computed(() => (meters.today.answer.value ? withheldPoints(meters.today.answer.value).slice(0, WITHHELD_MAX) : []));
  // By value: the same points need not be asked again with every answer.
  const key = computed(() => JSON.stringify(found.value));
  const { answer } = useAnswer(
    async (signal) => {
      const query = { ...spanOf(site.value.code, overview.stretches.value.today), interval: "base" as const, limit: ROWS_MAX };
      return await Promise.all(
        found.value.map(async ({ point, flag }) => {
          const { rows } = await queryEnergy({ ...query, point }, signal);
          return { point, flag, at: rows.findLast((row) => row.flags.includes(flag))?.start ?? null };
        }),
      );
    },
    { on: [key] },
  );
  return computed(() => answer.value ?? []);
}
