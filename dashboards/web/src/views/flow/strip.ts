import type { Span } from "./painter";

/** A canvas for hands and screens of many points is not made larger than this. [px²] */
const AREA_MAX = 12_000_000;

/** Points of the screen in a px of a strip of the drawing. */
export function fullRatio(width: number, { top, bottom }: Span): number {
  return Math.min(devicePixelRatio, Math.sqrt(AREA_MAX / (width * (bottom - top))));
}

/** Puts a canvas where what is painted on it belongs. */
export function lay({ style }: HTMLCanvasElement, width: number, { top, bottom }: Span): void {
  const place = [`${top}px`, `${width}px`, `${bottom - top}px`] as const;
  if (style.top === place[0] && style.width === place[1] && style.height === place[2]) return;
  [style.top, style.width, style.height] = place;
}
