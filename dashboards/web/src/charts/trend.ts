import type { EChartsCoreOption } from "./echarts";
import { axis, valueAxis, type Look } from "./look";

/** What is to be said of an interval besides its value. */
export const MARKS = ["estimated", "uncertain", "bad", "missing", "open"] as const;
export type ShownMark = (typeof MARKS)[number];
export type Mark = "good" | ShownMark;

export interface Line {
  name: string;
  colour: string;
  values: readonly (number | null)[];
}

/** All that a chart of a period shows; every array has one value an interval. */
export interface ChartData {
  kind: "bar" | "line";
  isStacked: boolean;
  lines: readonly Line[];
  compared: Line | null;
  marks: readonly Mark[];
  markNames: Record<ShownMark, string>;
  /** Colours of marks as the canvas needs them. */
  markColours: Record<ShownMark, string>;
  unit: string;
  axisText(index: number): string;
  /** A number beside a tick of the axis, with so many decimals. */
  numberText(value: number, decimals: number): string;
  tooltip(index: number): string;
}

const ZOOM_FROM = 60;
/** From so many intervals on all bars are drawn as one shape: one by one, a year of hours takes seconds. */
const LARGE_FROM = 1_000;
const DASHED = [5, 4];
/** Told apart by height as well as by colour. */
const MARK_HEIGHT: Record<ShownMark, number> = { estimated: 0.4, uncertain: 0.7, bad: 1, missing: 1, open: 0.2 };

/** The values above, and below them a strip that says of each interval what is not as it should be. */
export function trendOption(of: ChartData, look: Look): EChartsCoreOption {
  const count = of.marks.length;
  const isZoomed = count > ZOOM_FROM;
  const [strip, foot] = [look.size * 0.7, look.size * (isZoomed ? 5.2 : 2.4)];
  // A fixed margin, not one by the labels: else the strip would not stand under the values.
  const side = { left: look.size * 5, right: look.size * 1.2, outerBoundsMode: "none" };
  const categories = of.marks.map((_mark, index) => String(index));
  const label = { ...(axis(look).axisLabel as object), formatter: (value: string) => of.axisText(Number(value)) };
  return {
    aria: { enabled: true, label: { enabled: false } },
    ...(count >= LARGE_FROM ? { animation: false } : {}),
    grid: [
      { ...side, top: look.size * 2.2, bottom: foot + strip + look.size * 0.6, id: "values" },
      { ...side, height: strip, bottom: foot, id: "marks" },
    ],
    xAxis: [
      { ...axis(look), type: "category", data: categories, axisLabel: { show: false }, boundaryGap: true },
      { ...axis(look), type: "category", data: categories, gridIndex: 1, axisLabel: label, axisLine: { show: false }, boundaryGap: true },
    ],
    yAxis: [
      {
        ...valueAxis(look),
        name: of.unit,
        nameGap: look.size * 0.7,
        nameTextStyle: { color: look.note, fontSize: look.size, align: "left" },
        axisLabel: { ...(valueAxis(look).axisLabel as object), formatter: (value: number) => of.numberText(value, decimalsIn(value)) },
      },
      { type: "value", gridIndex: 1, min: 0, max: 1, show: false },
    ],
    axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: look.note }, label: { show: false } },
    tooltip: { trigger: "axis", axisPointer: { type: of.kind === "bar" ? "shadow" : "line" }, formatter: tooltipOf(of) },
    dataZoom: isZoomed ? zoom(look) : [],
    series: [...valueSeries(of, look), ...comparedSeries(of, look), ...markSeries(of)],
  };
}

/** As many decimals as a tick needs. */
function decimalsIn(value: number): number {
  return (String(Number(value.toPrecision(6))).split(".")[1] ?? "").length;
}

function tooltipOf(of: ChartData): (items: unknown) => string {
  return (items) => {
    const [item] = items as { dataIndex: number }[];
    return item === undefined ? "" : of.tooltip(item.dataIndex);
  };
}

function zoom(look: Look): object[] {
  const shared = { xAxisIndex: [0, 1], filterMode: "filter" };
  return [
    // A wheel alone scrolls the page.
    { ...shared, type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, preventDefaultMouseMove: false },
    {
      ...shared,
      type: "slider",
      height: look.size * 1.8,
      bottom: look.size * 0.3,
      left: look.size * 2,
      right: look.size * 2,
      borderColor: look.line,
      fillerColor: `${look.accent}22`,
      handleStyle: { color: look.surface, borderColor: look.accent },
      moveHandleStyle: { color: look.accent, opacity: 0.5 },
      emphasis: { handleStyle: { borderColor: look.accent }, moveHandleStyle: { color: look.accent } },
      dataBackground: { lineStyle: { color: look.note }, areaStyle: { color: look.line } },
      selectedDataBackground: { lineStyle: { color: look.accent }, areaStyle: { color: look.accent } },
      showDetail: false,
      brushSelect: false,
    },
  ];
}

function valueSeries(of: ChartData, look: Look): object[] {
  const open = of.marks.indexOf("open");
  return of.lines.flatMap((line) => {
    if (of.kind === "bar") return [barSeries(of, line, look)];
    const shared = { type: "line", name: line.name, color: line.colour, ...loneSymbols(line.values), symbolSize: look.size * 0.4 };
    const width = { width: Math.max(1.5, look.size / 7) };
    if (of.isStacked) {
      return [{ ...shared, stack: "values", data: line.values, lineStyle: width, areaStyle: { opacity: 0.55 }, connectNulls: false }];
    }
    const closed = line.values.map((value, index) => (of.marks[index] === "open" ? null : value));
    const running = line.values.map((value, index) => (open >= 0 && index >= open - 1 ? value : null));
    return [
      { ...shared, data: closed, lineStyle: width, connectNulls: false },
      // What has come of the open interval: not to be read as a fall.
      ...(open < 0 ? [] : [{ ...shared, data: running, lineStyle: { ...width, type: DASHED, opacity: 0.7 }, symbol: "emptyCircle", showSymbol: true, symbolSize: look.size * 0.6 }]),
    ];
  });
}

function barSeries(of: ChartData, line: Line, look: Look): object {
  const isLarge = of.marks.length >= LARGE_FROM;
  const hollow = { color: `${line.colour}40`, borderColor: line.colour, borderWidth: 1, borderType: "dashed" };
  return {
    type: "bar",
    name: line.name,
    color: line.colour,
    ...(of.isStacked ? { stack: "values" } : {}),
    barMaxWidth: look.size * 3.5,
    barCategoryGap: isLarge ? "0%" : "25%",
    large: isLarge,
    data: isLarge ? line.values : line.values.map((value, index) => (of.marks[index] === "open" ? { value, itemStyle: hollow } : value)),
  };
}

function comparedSeries(of: ChartData, look: Look): object[] {
  if (of.compared === null) return [];
  const { name, colour, values } = of.compared;
  return [
    {
      type: "line",
      name,
      color: colour,
      data: values,
      connectNulls: false,
      ...loneSymbols(values),
      lineStyle: { type: DASHED, width: Math.max(1.5, look.size / 8) },
      z: 4,
    },
  ];
}

/** A value between two gaps has no line: it needs a dot. */
function loneSymbols(values: readonly (number | null)[]): object {
  const isLone = values.map((value, index) => value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null);
  if (!isLone.includes(true)) return { showSymbol: false };
  return { showSymbol: true, symbol: (_value: unknown, item: { dataIndex: number }) => (isLone[item.dataIndex] ? "circle" : "none") };
}

function markSeries(of: ChartData): object[] {
  const kinds = (Object.keys(MARK_HEIGHT) as ShownMark[]).filter((kind) => of.marks.includes(kind));
  return kinds.map((kind) => ({
    type: "bar",
    name: of.markNames[kind],
    color: of.markColours[kind],
    xAxisIndex: 1,
    yAxisIndex: 1,
    barGap: "-100%",
    barCategoryGap: "0%",
    large: of.marks.length >= LARGE_FROM,
    silent: true,
    animation: false,
    data: of.marks.map((mark) => (mark === kind ? MARK_HEIGHT[kind] : null)),
  }));
}
