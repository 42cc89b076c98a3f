import { computed, watch, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { getBenchmarks } from "@/api/routes";
import { BENCHMARK_PERIODS, type BenchmarkPeriod, type Benchmarks, type BenchmarkUnit } from "@/api/types";
import { useLive } from "@/live/useLive";
import { useSite } from "@/session/useSite";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { freshened, hasOtherLevel } from "./freshened";

export interface BenchmarksUse extends AnswerUse<Benchmarks> {
  period: ComputedRef<BenchmarkPeriod>;
  units: ComputedRef<BenchmarkUnit[]>;
  isOpen: ComputedRef<boolean>;
  /** Figures are of the live event, which stands still. */
  isStanding: ComputedRef<boolean>;
  choosePeriod(period: BenchmarkPeriod): void;
  goBefore(): void;
  goAfter(): void;
  goNow(): void;
}

/** Units to benchmark in the period of the address (`?of=&at=`), kept fresh by live events while it runs. */
export function useBenchmarks(): BenchmarksUse {
  const route = useRoute();
  const router = useRouter();
  const site = useSite();
  const { payload, isStanding } = useLive();
  const period = computed(() => BENCHMARK_PERIODS.find((known) => known === route.query.of) ?? "month");
  const at = computed(() => (typeof route.query.at === "string" && !Number.isNaN(Date.parse(route.query.at)) ? route.query.at : null));
  const use = useAnswer((signal) => getBenchmarks({ site: site.value.code, period: period.value, at: at.value }, signal), {
    on: [() => site.value.code, period, at],
    follow: true,
    isEmpty: ({ units }) => units.length === 0,
  });
  const live = computed(() => {
    const found = use.answer.value;
    if (found === null || at.value !== null || (found.period !== "day" && found.period !== "month")) return null;
    return payload.value?.benchmark?.[found.period] ?? null;
  });
  watch(
    () => use.answer.value !== null && hasOtherLevel(use.answer.value, live.value),
    (isOther) => {
      if (isOther) use.reload();
    },
  );
  const go = (instant: number | null): void => {
    void router.replace({ query: { ...route.query, at: instant === null ? undefined : new Date(instant).toISOString() } });
  };
  const goTo = (edge: "start" | "end"): void => {
    const found = use.answer.value;
    if (found === null) return;
    const instant = edge === "start" ? Date.parse(found.start) - 1_000 : Date.parse(found.end);
    go(instant >= Date.now() ? null : instant);
  };
  return {
    ...use,
    period,
    units: computed(() => (use.answer.value === null ? [] : freshened(use.answer.value, live.value))),
    isOpen: computed(() => use.answer.value?.is_open ?? true),
    isStanding: computed(() => live.value !== null && isStanding.value),
    choosePeriod: (chosen) => void router.replace({ query: { ...route.query, of: chosen, at: undefined } }),
    goBefore: () => goTo("start"),
    goAfter: () => goTo("end"),
    goNow: () => go(null),
  };
}
