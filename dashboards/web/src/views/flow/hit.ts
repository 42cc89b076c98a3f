import { STRIDE, type Scene } from "./scene";

/** How much of a label can be pointed at. [px] */
const LABEL_TARGET = 70;
/** A thin ribbon is met from so far above and below. [px] */
const NEAR = 3;
const HALVINGS = 24;

/** The uppermost item at a point of the drawing, or -1. `shown` is where things are, as `scene.places`. */
export function hitOf(scene: Scene, shown: Float64Array, x: number, y: number): number {
  const { items, roomMin, forms } = scene;
  const { linkCount, barWidth } = forms;
  for (let at = items.length - 1; at >= linkCount; at -= 1) {
    const [left, top, height] = [shown[at * STRIDE] ?? 0, shown[at * STRIDE + 1] ?? 0, shown[at * STRIDE + 2] ?? 0];
    const off = Math.abs(y - top - height / 2);
    // Its label belongs to it: where one points at that, one points at the bar.
    const isBesideLabel = off <= roomMin / 2;
    const right = left + barWidth + (isBesideLabel ? LABEL_TARGET : 0);
    if ((isBesideLabel || off <= height / 2) && x >= left && x <= right) return at;
  }
  let found = -1;
  let distance = NEAR;
  for (let at = linkCount - 1; at >= 0; at -= 1) {
    const off = distanceTo(shown, at * STRIDE, x, y);
    if (off === 0) return at;
    if (off < distance) [found, distance] = [at, off];
  }
  return found;
}

/** How far above or below a ribbon a point lies; 0 within it, infinite where it does not pass. [px] */
function distanceTo(shown: Float64Array, base: number, x: number, y: number): number {
  const [x1, y1, x2, y2] = [shown[base] ?? 0, shown[base + 1] ?? 0, shown[base + 2] ?? 0, shown[base + 3] ?? 0];
  const thickness = shown[base + 4] ?? 0;
  if (x < x1 || x > x2 || x1 === x2) return Number.POSITIVE_INFINITY;
  if (y < Math.min(y1, y2) - NEAR || y > Math.max(y1, y2) + thickness + NEAR) return Number.POSITIVE_INFINITY;
  const upper = y1 + (y2 - y1) * riseAt((x - x1) / (x2 - x1));
  return Math.max(0, upper - y, y - upper - thickness);
}

/**
 * How much of its way up or down a ribbon has gone at a share of its way across: the cubic curve whose
 * handles lie half way across, x(t) = 1.5 t − 1.5 t² + t³ and y(t) = 3 t² − 2 t³, found by halving.
 */
export function riseAt(across: number): number {
  let [low, high] = [0, 1];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    if (middle * (1.5 + middle * (middle - 1.5)) < across) low = middle;
    else high = middle;
  }
  return low * low * (3 - 2 * low);
}
