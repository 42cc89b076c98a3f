import { computed, type ComputedRef } from "vue";
import { useI18n } from "vue-i18n";
import { usePalette } from "@/charts/palette";
import type { Subject } from "@/parts/explain";
import { useBoth } from "@/parts/useBoth";
import { differenceOf } from "./compare";
import type { EnergyResult } from "./useEnergies";
import type { TrendRows } from "./useTrendRows";

export interface Part {
  carrier: string;
  css: string;
  subject: Subject;
  share: number | null;
}

export interface TrendFigures {
  sum: ComputedRef<Subject | null>;
  /** Total, other total, what differs, the highest interval: those that there are. */
  figures: ComputedRef<Subject[]>;
  parts: ComputedRef<Part[]>;
}

/** The numbers under the chart. */
export function useTrendFigures(rows: TrendRows): TrendFigures {
  const { t } = useI18n();
  const both = useBoth();
  const palette = usePalette();

  function totalOf({ total, request }: EnergyResult, label: string, how: string): Subject {
    return {
      label,
      quantity: rows.quantity.value,
      value: rows.value(total),
      unit: rows.unit.value,
      ...request.period,
      grade: total.grade,
      flags: total.flags,
      coveredShare: total.covered_share,
      readingCount: total.reading_count,
      how: both(how),
    };
  }

  const sum = computed(() => rows.main.value && totalOf(rows.main.value, t("trends.thisPeriod"), "trends.how"));
  const differences = computed<Subject[]>(() => {
    const [closed, other] = [rows.closed.value, rows.other.value];
    if (closed === null || other === null) return [];
    const { absolute, percent } = differenceOf(rows.value(closed.total), rows.value(other.total));
    const shared = { quantity: rows.quantity.value, ...closed.request.period, how: both("trends.howDifference") };
    return [
      totalOf(other, rows.comparedName.value, "trends.howCompared"),
      { ...shared, label: t("trends.difference"), value: absolute, unit: rows.unit.value },
      { ...shared, label: t("trends.change"), value: percent, unit: "%", decimals: 1 },
    ];
  });
  const peak = computed(() => {
    const [values, marks] = [rows.values.value, rows.marks.value];
    let best = -1;
    values.forEach((found, index) => {
      if (found !== null && marks[index] !== "open" && (best < 0 || found > (values[best] ?? found))) best = index;
    });
    const subject = best < 0 ? null : rows.slotSubject(best, "");
    return subject && { ...subject, label: t("trends.peak"), how: both("trends.howPeak") };
  });
  const parts = computed(() =>
    rows.pieces.value.map((piece) => {
      const carrier = piece.request.of.carrier ?? "";
      const subject = totalOf(piece, rows.pieceName(piece), "trends.how");
      const whole = sum.value?.value ?? null;
      return { carrier, css: palette.css(carrier), subject, share: subject.value === null || !whole ? null : subject.value / whole };
    }),
  );

  return {
    sum,
    figures: computed(() => [sum.value, ...differences.value, peak.value].filter((subject) => subject !== null)),
    parts,
  };
}
