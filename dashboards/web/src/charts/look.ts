import type { EChartsCoreOption } from "./echarts";
import { resolved } from "./palette";

export interface Look {
  text: string;
  note: string;
  line: string;
  surface: string;
  accent: string;
  font: string;
  /** Size of small text [px]; it follows the screen. */
  size: number;
}

/** Colours and sizes of the page as a canvas needs them, read anew whenever theme or size changes. */
export function look(): Look {
  const size = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.8125;
  return {
    text: resolved("--text"),
    note: resolved("--text-third"),
    line: resolved("--line"),
    surface: resolved("--surface"),
    accent: resolved("--accent"),
    font: resolved("--font"),
    size,
  };
}

/** What all charts have in common; a chart's own option comes on top. */
export function common(of: Look, isCalm: boolean): EChartsCoreOption {
  return {
    animation: !isCalm,
    animationDuration: 200,
    animationDurationUpdate: 300,
    backgroundColor: "transparent",
    textStyle: { fontFamily: of.font, fontSize: of.size, color: of.text },
    // The security policy refuses style attributes in markup: a tooltip is drawn, or is an element of ours.
    tooltip: {
      renderMode: "richText",
      confine: true,
      backgroundColor: of.surface,
      borderColor: of.line,
      textStyle: { color: of.text, fontFamily: of.font, fontSize: of.size },
    },
  };
}

/** A category or time axis along the bottom. */
export function axis(of: Look): Record<string, unknown> {
  return {
    axisLine: { lineStyle: { color: of.line } },
    axisTick: { show: false },
    axisLabel: { color: of.note, fontSize: of.size, hideOverlap: true },
    splitLine: { show: false },
  };
}

/** A value axis with faint lines. */
export function valueAxis(of: Look): Record<string, unknown> {
  return {
    type: "value",
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: of.note, fontSize: of.size },
    splitLine: { lineStyle: { color: of.line } },
    nameTextStyle: { color: of.note, fontSize: of.size },
  };
}

/** A legend above the drawing, from the left. */
export function legend(of: Look): Record<string, unknown> {
  return {
    left: 0,
    top: 0,
    itemHeight: of.size * 0.75,
    itemWidth: of.size * 1.2,
    textStyle: { color: of.note, fontSize: of.size },
    type: "scroll",
  };
}
