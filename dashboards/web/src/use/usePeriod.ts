import { computed, onScopeDispose, ref, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import type { Span } from "@/api/routes";
import { useSite } from "@/session/useSite";
import { PERIOD_KINDS, periodOf, type Period, type PeriodChoice, type PeriodKind } from "./period";

const NOW_EVERY_MS = 5_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export interface PeriodUse {
  choice: ComputedRef<PeriodChoice>;
  period: ComputedRef<Period>;
  /** The period and the site, as the centre is asked for them. */
  span: ComputedRef<Span>;
  choose(choice: PeriodChoice): void;
}

/** The period of the view, kept in its address (`?period=&first=&last=`), so that a link shows the same. */
export function usePeriod(usual: PeriodKind = "today"): PeriodUse {
  const route = useRoute();
  const router = useRouter();
  const site = useSite();
  const now = useNow();
  const choice = computed<PeriodChoice>(() => {
    const kind = PERIOD_KINDS.find((known) => known === route.query.period) ?? usual;
    const { first, last } = route.query;
    if (kind !== "custom" || typeof first !== "string" || !DAY.test(first)) {
      return { kind: kind === "custom" ? usual : kind };
    }
    return { kind, first, last: typeof last === "string" && DAY.test(last) ? last : first };
  });
  // By value: the ticking clock must not make a new period of the same edges.
  const period = computed<Period>((before) => {
    const found = periodOf(choice.value, now.value, site.value);
    return before && before.start === found.start && before.end === found.end && before.kind === found.kind
      ? before
      : found;
  });
  return {
    choice,
    period,
    span: computed(() => spanOf(site.value.code, period.value)),
    choose: ({ kind, first, last }) => {
      const { first: _first, last: _last, ...rest } = route.query;
      const days = kind === "custom" ? { first, last } : {};
      void router.replace({ query: { ...rest, period: kind, ...days } });
    },
  };
}

export function spanOf(site: string, period: { start: number; end: number }): Span {
  return { site, start: instantText(period.start), end: instantText(period.end) };
}

function instantText(at: number): string {
  return new Date(at).toISOString();
}

/** The clock of this machine, every few seconds. */
export function useNow(): { readonly value: number } {
  const now = ref(Date.now());
  const ticking = setInterval(() => {
    now.value = Date.now();
  }, NOW_EVERY_MS);
  onScopeDispose(() => clearInterval(ticking));
  return now;
}
