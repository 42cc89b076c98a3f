import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { getBalance, getBalanceHistory, getPlant } from "@/api/routes";
import type { Balance, BalanceHistory, TableBasis } from "@/api/types";
import { plantOf, type Plant } from "@/parts/plant";
import { useSite } from "@/session/useSite";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { closedOf, type Bounds } from "@/use/period";
import { useFormat } from "@/use/useFormat";
import { spanOf, usePeriod, type PeriodUse } from "@/use/usePeriod";
import { chosenOf, grainOf, intervalsOf } from "./span";

export interface BalanceNames {
  flow(code: string): string;
  node(code: string): string;
  /** A point of a meter, which opens it among the meters. */
  pointOf(meter: string): string | undefined;
}

export interface BalanceUse {
  period: PeriodUse;
  /** What of the period has closed. */
  whole: ComputedRef<Bounds>;
  /** What is looked at: the interval of the address, or all of it. */
  looked: ComputedRef<Bounds>;
  interval: ComputedRef<Bounds | null>;
  intervals: ComputedRef<Bounds[]>;
  grain: ComputedRef<"base" | "day">;
  basis: ComputedRef<TableBasis>;
  balance: AnswerUse<Balance>;
  history: AnswerUse<BalanceHistory>;
  names: BalanceNames;
  chooseInterval(start: number | null): void;
  chooseDay(day: string): void;
  chooseBasis(basis: TableBasis): void;
}

function key({ start, end }: Bounds): string {
  return `${start} ${end}`;
}

/** The balance of the period in the address, of an interval of it (`?interval=`), and the tests of all of them. */
export function useBalance(): BalanceUse {
  const route = useRoute();
  const router = useRouter();
  const site = useSite();
  const format = useFormat();
  const period = usePeriod("yesterday");
  const base = computed(() => site.value.baseIntervalMs);
  const whole = computed<Bounds>((before) => {
    const found = closedOf(period.period.value, site.value);
    return before && before.start === found.start && before.end === found.end ? before : found;
  });
  const grain = computed(() => grainOf(whole.value));
  const interval = computed(() => (grain.value === "base" ? chosenOf(route.query.interval, whole.value, base.value) : null));
  const looked = computed(() => interval.value ?? whole.value);
  const balance = useAnswer((signal) => getBalance(spanOf(site.value.code, looked.value), signal), {
    on: [() => site.value.code, () => key(looked.value)],
    follow: true,
    within: () => looked.value,
    isEmpty: ({ flows }) => flows.length === 0,
  });
  const history = useAnswer((signal) => getBalanceHistory({ ...spanOf(site.value.code, whole.value), interval: grain.value }, signal), {
    on: [() => site.value.code, () => key(whole.value)],
    follow: true,
    within: () => whole.value,
    isEmpty: ({ rows }) => rows.length === 0,
  });
  const plant = useAnswer((signal) => getPlant(site.value.code, signal), { on: [() => site.value.code] });
  const described = computed<Plant | null>(() => (plant.answer.value === null ? null : plantOf(plant.answer.value)));
  const nodes = computed(() => new Map(described.value?.nodes.map(({ code, name }) => [code, name])));
  const flows = computed(() => new Map(described.value?.flows.map((flow) => [flow.code, flow])));
  const points = computed(() => new Map(described.value?.meters.map((meter) => [meter.code, meter.points[0]?.code])));
  const node = (code: string): string => {
    const name = nodes.value.get(code);
    return name ? format.name(name) : code;
  };
  return {
    period,
    whole,
    looked,
    interval,
    intervals: computed(() => (grain.value === "base" ? intervalsOf(whole.value, base.value) : [])),
    grain,
    basis: computed(() => (route.query.basis === "measured" ? "measured" : "reconciled")),
    balance,
    history,
    names: {
      node,
      pointOf: (meter) => points.value.get(meter),
      flow: (code) => {
        const flow = flows.value.get(code);
        if (flow === undefined) return code;
        return flow.name ? format.name(flow.name) : `${node(flow.from)} → ${node(flow.to)}`;
      },
    },
    chooseInterval: (start) => void router.replace({ query: { ...route.query, interval: start === null ? undefined : new Date(start).toISOString() } }),
    chooseDay: (day) => void router.replace({ query: { ...route.query, interval: undefined, period: "custom", first: day, last: day } }),
    chooseBasis: (basis) => void router.replace({ query: { ...route.query, basis: basis === "measured" ? basis : undefined } }),
  };
}
