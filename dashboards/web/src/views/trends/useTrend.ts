import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import type { Choice } from "@/api/routes";
import type { Interval, Series } from "@/api/types";
import { useSite, type Site } from "@/session/useSite";
import type { Period } from "@/use/period";
import type { PeriodUse } from "@/use/usePeriod";
import { FLOW_UNITS, useUnit } from "@/use/useUnit";
import { comparedBounds, COMPARISONS, shiftOf, type Beside, type Comparison } from "./compare";
import { edgesOf, intervalsFor, usualInterval } from "./grain";
import { MEASURES, measuresOf, type Measure } from "./measure";
import { keyOf, type Choosable, type Tree } from "./tree";
import type { EnergyRequest } from "./useEnergies";

interface Bounds {
  start: number;
  end: number;
}

export type ChartKind = "bar" | "line";

export interface Trend {
  item: ComputedRef<Choosable | null>;
  /** "" is the total of all carriers. */
  carrier: ComputedRef<string>;
  measures: ComputedRef<readonly Measure[]>;
  measure: ComputedRef<Measure>;
  intervals: ComputedRef<Interval[]>;
  interval: ComputedRef<Interval>;
  comparison: ComputedRef<Comparison>;
  kind: ComputedRef<ChartKind>;
  canStack: ComputedRef<boolean>;
  isStacked: ComputedRef<boolean>;
  /** What all carriers of an answer are of: another thing may be chosen while it is on its way. */
  itemOf(series: Series): Choosable | null;
  /** What is asked for: the series, the compared one where there is one, then each carrier where they are stacked. */
  requests: ComputedRef<EnergyRequest[]>;
  chooseItem(item: Choosable): void;
  choose(what: Partial<Record<"carrier" | "measure" | "interval" | "compare" | "chart" | "stack", string>>): void;
}

/** What the view shows, kept in its address: a link shows the same. */
export function useTrend(tree: { readonly value: Tree | null }, { period }: PeriodUse): Trend {
  const route = useRoute();
  const router = useRouter();
  const site = useSite();
  const unit = useUnit();
  const asked = (name: string): string | null => (typeof route.query[name] === "string" ? route.query[name] : null);
  const oneOf = <T extends string>(known: readonly T[], name: string): T | null => known.find((value) => value === asked(name)) ?? null;

  const item = computed(() => tree.value?.items.get(asked("of") ?? "") ?? rootOf(tree.value));
  const carrier = computed(() => {
    const codes = item.value?.carriers.map((known) => known.code) ?? [];
    return codes.find((code) => code === asked("carrier")) ?? codes.find((code) => code === "") ?? codes[0] ?? "";
  });
  const measures = computed(() => {
    const amountUnit = item.value?.carriers.find((known) => known.code === carrier.value)?.unit ?? "";
    return item.value === null ? MEASURES : measuresOf({ kind: item.value.kind, unit: amountUnit, isRoot: item.value.isRoot });
  });
  const measure = computed(() => oneOf(measures.value, "measure") ?? measures.value.find((known) => known === unit.value) ?? measures.value[0] ?? "kWh");
  const spanMs = computed(() => period.value.end - period.value.start);
  const intervals = computed(() => intervalsFor(spanMs.value, site.value));
  const interval = computed(() => oneOf(intervals.value, "interval") ?? intervals.value.find((known) => known === usualInterval(spanMs.value)) ?? "day");
  const comparison = computed(() => oneOf(COMPARISONS, "compare") ?? "before");
  const shift = computed(() => shiftOf(comparison.value, period.value, interval.value, site.value));
  const kind = computed<ChartKind>(() => (asked("chart") === "line" || (asked("chart") === null && interval.value === "base") ? "line" : "bar"));
  const canStack = computed(() => carrier.value === "" && (item.value?.carriers.length ?? 0) > 2);
  const isStacked = computed(() => canStack.value && asked("stack") === "1");

  const requests = computed<EnergyRequest[]>(() =>
    item.value === null
      ? []
      : requestsOf({
          site: site.value,
          of: { [item.value.kind]: item.value.code, ...(carrier.value === "" ? {} : { carrier: carrier.value }) },
          period: period.value,
          interval: interval.value,
          beside: { comparison: comparison.value, shift: shift.value },
          parts: isStacked.value ? item.value.carriers.map((known) => known.code).filter((code) => code !== "") : [],
        }),
  );

  function put(query: Record<string, string | undefined>): void {
    const merged = { ...route.query, ...query };
    void router.replace({ query: Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)) });
  }

  return {
    item,
    carrier,
    measures,
    measure,
    intervals,
    interval,
    comparison,
    kind,
    canStack,
    isStacked,
    itemOf: (series) => tree.value?.items.get(keyOf(series)) ?? null,
    requests,
    chooseItem: (chosen) => put({ of: keyOf(chosen), carrier: undefined }),
    // Other views compare in the same unit, where they have it.
    choose: (what) => put({ ...what, ...(FLOW_UNITS.some((known) => known === what.measure) ? { unit: what.measure } : {}) }),
  };
}

interface Asked {
  site: Site;
  of: Choice;
  period: Period;
  interval: Interval;
  beside: Beside;
  parts: readonly string[];
}

/** The series; where it is compared the part of it that is over, and as much of the other period; then each carrier. */
function requestsOf({ site, of, period, interval, beside, parts }: Asked): EnergyRequest[] {
  const edges = (bounds: Bounds): number[] => edgesOf(bounds.start, bounds.end, interval, site);
  const shared = { site: site.code, of, interval };
  const whole = { start: period.start, end: period.end };
  const { shift } = beside;
  const closed = closedOf(period, site.baseIntervalMs);
  const other = shift && comparedBounds(whole, shift, site);
  const otherClosed = shift && closed && comparedBounds(closed, shift, site);
  const main: EnergyRequest = { ...shared, role: "main", period: whole, edges: edges(whole), beside };
  return [
    main,
    ...(other && otherClosed && closed
      ? [
          ...(period.isOpen ? [{ ...shared, role: "closed" as const, period: closed, edges: [] }] : []),
          { ...shared, role: "compared" as const, period: otherClosed, edges: edges(other) },
        ]
      : []),
    ...parts.map((carrier): EnergyRequest => ({ ...shared, role: "part", of: { ...of, carrier }, period: whole, edges: main.edges })),
  ];
}

/** A period without its running base interval, of which the other period has the whole; null where nothing is over. */
function closedOf({ start, end, isOpen }: Period, baseMs: number): Bounds | null {
  const closed = isOpen ? end - baseMs : end;
  return closed > start ? { start, end: closed } : null;
}

/** The boundary of the site: what is shown as long as nothing else is chosen. */
function rootOf(tree: Tree | null): Choosable | null {
  return tree?.groups.find((group) => group.kind === "node")?.branches[0]?.item ?? [...(tree?.items.values() ?? [])][0] ?? null;
}
