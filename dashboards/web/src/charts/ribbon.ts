/** Bands between two bars, for a chart of our own: ECharts' Sankey draws itself anew, so that nothing in it can glide. */
import { CustomChart } from "echarts/charts";
import { graphic, use } from "echarts/core";

export const RIBBON = "nengtan-ribbon";

/** From (x1, y1) to (x2, y2), the upper edge of a band of a thickness [px]. */
export interface RibbonShape {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  thickness: number;
}

const Ribbon = graphic.extendShape({
  type: RIBBON,
  shape: { x1: 0, y1: 0, x2: 0, y2: 0, thickness: 0 },
  buildPath(context, shape) {
    const { x1, y1, x2, y2, thickness } = shape as RibbonShape;
    const middle = (x1 + x2) / 2;
    context.moveTo(x1, y1);
    context.bezierCurveTo(middle, y1, middle, y2, x2, y2);
    context.lineTo(x2, y2 + thickness);
    context.bezierCurveTo(middle, y2 + thickness, middle, y1 + thickness, x1, y1 + thickness);
    context.closePath();
  },
});

/** Makes charts of ribbons known to ECharts; once is enough, more does no harm. */
export function useRibbons(): void {
  use([CustomChart]);
  graphic.registerShape(RIBBON, Ribbon as unknown as Parameters<typeof graphic.registerShape>[1]);
}
