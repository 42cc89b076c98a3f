import { useI18n } from "vue-i18n";
import type { Benchmarks, BenchmarkUnit } from "@/api/types";
import type { Subject } from "@/parts/explain";
import { useBoth } from "@/parts/useBoth";
import { useFormat } from "@/use/useFormat";

export type GapOf = Pick<BenchmarkUnit, "gap_tce" | "gap_cny" | "gap_tco2e">;

export interface UnitFigures {
  value(unit: BenchmarkUnit): Subject;
  forecast(unit: BenchmarkUnit): Subject;
  gaps(unit: BenchmarkUnit, of: GapOf, name: string): Subject[];
  markName(unit: BenchmarkUnit, mark: string | null): string;
  /** A value in the unit of the benchmark, as text. */
  written(unit: BenchmarkUnit, value: number | null): string;
}

/** Numbers of units to benchmark, with everything that says what they are. */
export function useUnitFigures(answer: () => Benchmarks | null): UnitFigures {
  const { t } = useI18n();
  const both = useBoth();
  const format = useFormat();
  const shared = (unit: BenchmarkUnit, label: string): Pick<Subject, "label" | "unit" | "start" | "end"> => ({
    label: `${format.nameOf(unit)} · ${label}`,
    unit: unit.unit,
    start: answer()?.start ?? null,
    end: answer()?.end ?? null,
  });
  return {
    value: (unit) => ({
      ...shared(unit, t(answer()?.is_open ? "benchmarks.value" : "benchmarks.valueClosed")),
      quantity: "benchmark",
      value: unit.value,
      grade: unit.grade,
      flags: unit.flags,
      coveredShare: unit.covered_share,
      reason: unit.reason === null ? null : saidIn(unit.reason, format.locale.value),
      how: both("benchmarks.how.value"),
    }),
    forecast: (unit) => ({
      ...shared(unit, t("benchmarks.forecast")),
      quantity: "benchmark_forecast",
      value: unit.forecast.value,
      how: both("benchmarks.how.forecast"),
    }),
    gaps: (unit, of, name) =>
      (
        [
          ["tce", "tce", of.gap_tce],
          ["cny", "CNY", of.gap_cny],
          ["tco2e", "tCO2e", of.gap_tco2e],
        ] as const
      ).map(([key, unitOf, value]) => ({
        label: `${format.nameOf(unit)} · ${t(`benchmarks.gaps.${key}`)} · ${t("benchmarks.gap", { name })}`,
        quantity: `benchmark_gap_${key}`,
        value,
        unit: unitOf,
        start: answer()?.start ?? null,
        end: answer()?.end ?? null,
        how: both("benchmarks.how.gap"),
      })),
    markName: (unit, mark) => {
      const found = unit.marks.find((each) => each.mark === mark);
      return found ? format.nameOf(found) : t("benchmarks.noGap");
    },
    written: (unit, value) => {
      const { number, unit: name } = format.shown(value, unit.unit);
      return value === null ? number : `${number} ${name}`;
    },
  };
}

/** The centre says reasons as "中文 / English". */
export function saidIn(reason: string, locale: string): string {
  const middle = reason.indexOf(" / ");
  if (middle < 0) return reason;
  return locale === "en" ? reason.slice(middle + 3) : reason.slice(0, middle);
}
