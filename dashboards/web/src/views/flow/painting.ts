import { EDGE, hatching, paint, type Work } from "./painter";

/** What a page asks of its painter: a strip of the drawing, as wide as the drawing. [px] */
export interface Asked extends Work {
  width: number;
  /** Points of the screen in a px. */
  ratio: number;
}

/** The painted strip, and where it belongs. */
export interface Painted extends Pick<Asked, "span" | "width"> {
  bitmap: ImageBitmap;
  /** How long painting took. [ms] */
  duration: number;
}

const HATCHES_MAX = 8;

/** Paints strips on a canvas of its own, in whatever thread it runs. */
export function painter(): (asked: Asked) => Painted {
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser gives no canvas to paint on");
  const hatches = new Map<string, ReturnType<typeof hatching>>();
  return (asked) => {
    const start = performance.now();
    const { width, ratio, span, paints } = asked;
    const [across, down] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round((span.bottom - span.top) * ratio))];
    if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
    const key = `${paints.size} ${ratio}`;
    const hatch = hatches.get(key) ?? hatching(context, paints.size, ratio);
    if (!hatches.has(key)) {
      if (hatches.size >= HATCHES_MAX) hatches.clear();
      hatches.set(key, hatch);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, across, down);
    context.setTransform(ratio, 0, 0, ratio, EDGE * ratio, (EDGE - span.top) * ratio);
    paint(context, { ...asked, span: { top: span.top - EDGE, bottom: span.bottom - EDGE } }, hatch);
    const bitmap = canvas.transferToImageBitmap();
    return { bitmap, span, width, duration: performance.now() - start };
  };
}
