import { computed, onScopeDispose, type ComputedRef } from "vue";
import { getCompleteness, getMeterRegister, getPlant, listConflicts, listGaps, listPoints, listReceived } from "@/api/routes";
import type { Conflict, MeterRegister, Points, ReceivedHour, SequenceGap } from "@/api/types";
import { plantOf } from "@/parts/plant";
import { useToday } from "@/parts/useToday";
import { useSite } from "@/session/useSite";
import { businessDay, type Period } from "@/use/period";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { spanOf } from "@/use/usePeriod";
import { withRegister } from "./register";
import { gatewaySums, meterRows, type GatewaySum, type MeterRow } from "./rows";

/** As many as one answer holds. */
const POINTS_MAX = 10_000;
const POINTS_EVERY_MS = 5_000;
/** So many points are too much to ask for every five seconds. */
const POINTS_MANY = 300;
const MANY_EVERY_TIMES = 3;
const QUALITY_EVERY_MS = 30_000;

export interface Quality {
  hours: ReceivedHour[];
  gaps: SequenceGap[];
  conflicts: Conflict[];
}

export interface Meters {
  points: AnswerUse<Points>;
  register: AnswerUse<MeterRegister>;
  rows: ComputedRef<MeterRow[]>;
  gateways: ComputedRef<GatewaySum[]>;
  quality: ComputedRef<Quality>;
  today: ComputedRef<Period>;
  /** The part of today whose base intervals are over; all of today in its first. */
  closed: ComputedRef<{ start: number; end: number }>;
}

/** All points of the site with what is known of each; the newest values every few seconds, the rest now and then. */
export function useMeters(): Meters {
  const site = useSite();
  const today = useToday();
  const closed = computed(() => {
    const { start, end } = today.value;
    const over = end - site.value.baseIntervalMs;
    return { start, end: over > start ? over : end };
  });
  const points = useAnswer((signal) => listPoints({ site: site.value.code, limit: POINTS_MAX }, signal), {
    isEmpty: (found) => found.points.length === 0,
  });
  const register = useAnswer((signal) => getMeterRegister(site.value.code, signal), { everyMs: QUALITY_EVERY_MS });
  const plant = useAnswer(async (signal) => plantOf(await getPlant(site.value.code, signal)));
  const findings = useAnswer(
    async (signal) => {
      const span = spanOf(site.value.code, closed.value);
      const [completeness, received, gaps, conflicts] = await Promise.all([
        getCompleteness(span, signal),
        listReceived({ ...spanOf(site.value.code, today.value), limit: POINTS_MAX }, signal),
        listGaps(site.value.code, signal),
        listConflicts(site.value.code, signal),
      ]);
      return { completeness: completeness.points, hours: received.rows, gaps: gaps.gaps, conflicts: conflicts.conflicts, spanS: (closed.value.end - closed.value.start) / 1_000 };
    },
    { on: [closed], everyMs: QUALITY_EVERY_MS },
  );

  let turn = 0;
  const asking = setInterval(() => {
    turn += 1;
    const isMany = (points.answer.value?.points.length ?? 0) > POINTS_MANY;
    if (document.visibilityState === "visible" && (!isMany || turn % MANY_EVERY_TIMES === 0)) points.reload();
  }, POINTS_EVERY_MS);
  onScopeDispose(() => clearInterval(asking));

  const rows = computed(() => {
    if (points.answer.value === null || plant.answer.value === null) return [];
    return meterRows({
      points: points.answer.value.points,
      plant: withRegister(plant.answer.value, register.answer.value),
      completeness: findings.answer.value?.completeness ?? [],
      conflicts: findings.answer.value?.conflicts ?? [],
      spanS: findings.answer.value?.spanS ?? 0,
      baseIntervalS: site.value.baseIntervalMs / 1_000,
      today: businessDay(today.value.start, site.value),
    });
  });
  return {
    points,
    register,
    rows,
    gateways: computed(() => gatewaySums(rows.value, findings.answer.value?.hours ?? [], findings.answer.value?.gaps ?? [])),
    quality: computed(() => ({ hours: findings.answer.value?.hours ?? [], gaps: findings.answer.value?.gaps ?? [], conflicts: findings.answer.value?.conflicts ?? [] })),
    today,
    closed,
  };
}
