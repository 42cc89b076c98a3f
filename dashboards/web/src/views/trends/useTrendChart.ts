import { computed, type ComputedRef } from "vue";
import { useI18n } from "vue-i18n";
import { resolved, usePalette } from "@/charts/palette";
import { useNomenclature } from "@/session/useNomenclature";
import { useFormat } from "@/use/useFormat";
import type { ChartData, Line } from "@/charts/trend";
import { differenceOf } from "./compare";
import { useMarks } from "./marks";
import { valuesOf } from "./slots";
import type { EnergyResult } from "./useEnergies";
import type { Trend } from "./useTrend";
import type { TrendRows } from "./useTrendRows";

export interface TrendChart {
  /** What the chart shows, made when it is drawn: colours are those of the theme then. */
  chart: ComputedRef<(() => ChartData) | null>;
  legend: ComputedRef<{ name: string; css: string; isDashed: boolean }[]>;
}

const COMPARED = "--text-third";
const FLAGS_MAX = 4;
const ONE_DAY_MS = 26 * 3_600_000;

export function useTrendChart(rows: TrendRows, trend: Trend): TrendChart {
  const { t } = useI18n();
  const format = useFormat();
  const palette = usePalette();
  const markLook = useMarks();
  const tooltip = useTooltip(rows);

  function axisText(index: number): string {
    const start = rows.starts.value[index];
    if (start === undefined) return "";
    const day = format.instant(start, "day");
    const interval = rows.main.value?.request.interval;
    if (interval === "month") return day.slice(0, 7);
    if (interval === "day") return day.slice(5);
    const isOneDay = (rows.starts.value.at(-1) ?? start) - (rows.starts.value[0] ?? start) < ONE_DAY_MS;
    return isOneDay ? format.clock(start) : `${day.slice(5)} ${format.clock(start)}`;
  }

  function pieceLine(piece: EnergyResult): Line {
    return { name: rows.pieceName(piece), colour: palette.canvas(piece.request.of.carrier ?? ""), values: valuesOf(rows.starts.value, piece.rows, rows.value) };
  }

  const { carrier } = rows;
  const chart = computed(() => {
    if (rows.main.value === null) return null;
    const [own, over, marks, pieces] = [rows.values.value, rows.otherValues.value, rows.marks.value, rows.pieces.value];
    const [hasOther, kind, ownName] = [rows.other.value !== null, trend.kind.value, t("trends.thisPeriod")];
    return (): ChartData => ({
      kind,
      isStacked: pieces.length > 0,
      lines: pieces.length > 0 ? pieces.map(pieceLine) : [{ name: ownName, colour: carrier.value === "" ? resolved("--accent") : palette.canvas(carrier.value), values: own }],
      compared: hasOther ? { name: rows.comparedName.value, colour: resolved(COMPARED), values: over } : null,
      marks,
      markNames: markLook.names(),
      markColours: markLook.colours(),
      unit: format.unit(rows.unit.value),
      axisText,
      numberText: (value, decimals) => format.number(value, decimals),
      tooltip,
    });
  });

  const legend = computed(() => {
    const own = { name: t("trends.thisPeriod"), css: carrier.value === "" ? "var(--accent)" : palette.css(carrier.value), isDashed: false };
    const pieces = rows.pieces.value.map((piece) => ({ name: rows.pieceName(piece), css: palette.css(piece.request.of.carrier ?? ""), isDashed: false }));
    const other = { name: rows.comparedName.value, css: `var(${COMPARED})`, isDashed: true };
    return [...(pieces.length > 0 ? pieces : [own]), ...(rows.other.value === null ? [] : [other])];
  });

  return { chart, legend };
}

/** All that is known of an interval, line by line. */
function useTooltip(rows: TrendRows): (index: number) => string {
  const { t } = useI18n();
  const format = useFormat();
  const { flagName } = useNomenclature();
  const written = (value: number | null | undefined): string => `${format.number(value ?? null)} ${format.unit(rows.unit.value)}`;

  function comparedLines(index: number): string[] {
    if (rows.other.value === null) return [];
    const [own, other] = [rows.values.value[index] ?? null, rows.otherValues.value[index] ?? null];
    const { percent } = differenceOf(own, other);
    const change = percent === null || rows.marks.value[index] === "open" ? [] : [`${t("trends.change")}  ${percent > 0 ? "+" : ""}${format.number(percent, 1)}%`];
    return [`${rows.comparedName.value}  ${written(other)}`, ...change];
  }

  function markLines(index: number): string[] {
    const mark = rows.marks.value[index] ?? "good";
    if (mark === "good") return [];
    const flags = rows.main.value?.rows.get(rows.starts.value[index] ?? 0)?.flags ?? [];
    return [`▲ ${t(`trends.marks.${mark}`)}`, ...flags.filter((flag) => flag !== "open").slice(0, FLAGS_MAX).map((flag) => `    ${format.name(flagName(flag))}`)];
  }

  return (index) => {
    const start = rows.starts.value[index] ?? null;
    const pieces = rows.pieces.value.flatMap((piece) => {
      const row = piece.rows.get(start ?? 0);
      return row ? [`${rows.pieceName(piece)}  ${written(rows.value(row))}`] : [];
    });
    return [format.span(start, rows.endOf(index)), ...pieces, `${t("trends.thisPeriod")}  ${written(rows.values.value[index])}`, ...comparedLines(index), ...markLines(index)].join("\n");
  };
}
