import { computed, type ComputedRef, type ShallowRef } from "vue";
import { useI18n } from "vue-i18n";
import type { Measures } from "@/api/types";
import type { Mark } from "@/charts/trend";
import type { Subject } from "@/parts/explain";
import { useBoth } from "@/parts/useBoth";
import { useNomenclature } from "@/session/useNomenclature";
import { useSite } from "@/session/useSite";
import { useFormat } from "@/use/useFormat";
import { alignedStarts } from "./compare";
import { quantityOf, unitOf, valueOf } from "./measure";
import { markOf, valuesOf } from "./slots";
import type { EnergyResult } from "./useEnergies";
import type { Trend } from "./useTrend";

/** The answers as arrays with one value an interval, and what stands in one of them. */
export interface TrendRows {
  main: ComputedRef<EnergyResult | null>;
  closed: ComputedRef<EnergyResult | null>;
  other: ComputedRef<EnergyResult | null>;
  pieces: ComputedRef<EnergyResult[]>;
  starts: ComputedRef<readonly number[]>;
  values: ComputedRef<(number | null)[]>;
  otherValues: ComputedRef<(number | null)[]>;
  marks: ComputedRef<Mark[]>;
  unit: ComputedRef<string>;
  quantity: ComputedRef<string>;
  /** "" is the total of all carriers. */
  carrier: ComputedRef<string>;
  name: ComputedRef<string>;
  comparedName: ComputedRef<string>;
  value(of: Measures): number | null;
  endOf(index: number): number;
  pieceName(piece: EnergyResult): string;
  /** What an interval of a line of the chart is; the line is known by its name. */
  slotSubject(index: number, series: string): Subject | null;
}

export function useTrendRows(answer: ShallowRef<EnergyResult[] | null>, trend: Trend): TrendRows {
  const { t } = useI18n();
  const both = useBoth();
  const format = useFormat();
  const site = useSite();
  const { carrierName } = useNomenclature();

  const ofRole = (role: EnergyResult["request"]["role"]): EnergyResult[] => (answer.value ?? []).filter((result) => result.request.role === role);
  const main = computed(() => ofRole("main")[0] ?? null);
  const other = computed(() => ofRole("compared")[0] ?? null);
  const pieces = computed(() => ofRole("part"));
  const starts = computed(() => main.value?.request.edges.slice(0, -1) ?? []);
  const beside = computed(() => main.value?.request.beside);
  const otherStarts = computed(() =>
    other.value === null || !beside.value?.shift ? [] : alignedStarts(starts.value, beside.value.shift, site.value),
  );
  const value = (of: Measures): number | null => valueOf(of, trend.measure.value);
  const endOf = (index: number): number => main.value?.request.edges[index + 1] ?? 0;
  const pieceName = ({ request }: EnergyResult): string => format.name(carrierName(request.of.carrier ?? ""));
  const unit = computed(() => unitOf(trend.measure.value, main.value?.series.unit ?? ""));
  const quantity = computed(() => quantityOf(trend.measure.value));
  const comparedName = computed(() => t(`trends.compares.${beside.value?.comparison ?? "none"}`));
  const carrier = computed(() => (main.value === null ? trend.carrier.value : (main.value.request.of.carrier ?? "")));
  const name = computed(() => {
    const item = main.value === null ? trend.item.value : trend.itemOf(main.value.series);
    return item === null ? "" : [format.name(item.name), ...(carrier.value === "" ? [] : [format.name(carrierName(carrier.value))])].join(" · ");
  });

  function slotSubject(index: number, series: string): Subject | null {
    const isOther = series === comparedName.value && other.value !== null;
    const piece = pieces.value.find((result) => pieceName(result) === series);
    const result = isOther ? other.value : (piece ?? main.value);
    const start = isOther ? otherStarts.value[index] : starts.value[index];
    if (!result || start === undefined || start === null) return null;
    const row = result.rows.get(start);
    const end = result.request.edges[result.request.edges.indexOf(start) + 1] ?? endOf(index);
    return {
      label: [name.value, ...(piece ? [series] : [])].join(" · "),
      quantity: quantity.value,
      value: row ? value(row) : null,
      unit: unit.value,
      start,
      end,
      ...(row ? { grade: row.grade, flags: row.flags, coveredShare: row.covered_us / 1_000 / (end - start), readingCount: row.reading_count } : {}),
      how: both("trends.howSlot"),
    };
  }

  return {
    main,
    closed: computed(() => ofRole("closed")[0] ?? main.value),
    other,
    pieces,
    starts,
    values: computed(() => (main.value === null ? [] : valuesOf(starts.value, main.value.rows, value))),
    otherValues: computed(() => (other.value === null ? [] : valuesOf(otherStarts.value, other.value.rows, value))),
    marks: computed(() => starts.value.map((start, index) => markOf(main.value?.rows.get(start), endOf(index), main.value?.asOf ?? 0))),
    unit,
    quantity,
    carrier,
    name,
    comparedName,
    value,
    endOf,
    pieceName,
    slotSubject,
  };
}
