import type { Look } from "@/charts/look";
import type { Grade } from "@/api/types";
import { BAND, HATCHED, NOTHING, PART, STRIDE, UNKNOWN, type Scene, type Way } from "./scene";

/** Colours beside those of the scene, and the hatching of each colour. */
export interface Paints {
  look: Look;
  grade: Record<Exclude<Grade, "good">, string>;
  hatch(colour: string): CanvasPattern | string;
}

/** What is drawn otherwise than usual. */
export interface Light {
  chosen: number;
  /** What is pointed at, or -1; then everything that is not near it is dimmed. */
  over: number;
  near: Uint8Array | null;
}

/** A part of the drawing from top to bottom. [px] */
export interface Span {
  top: number;
  bottom: number;
}

/** Distance of the drawing from the edges of its canvas. [px] */
export const EDGE = 4;
/** The least that anything is as thick as. [px] */
export const THIN = 1.5;
const TRIANGLE = 1.2;
const OPACITY: Record<Way, number> = { [BAND]: 0.48, [PART]: 0.48, [HATCHED]: 0.4, [UNKNOWN]: 0.7, [NOTHING]: 0.7 };
const DASHES: Record<Way, readonly number[]> = { [BAND]: [], [PART]: [4, 3], [HATCHED]: [4, 3], [UNKNOWN]: [5, 4], [NOTHING]: [] };
/** The stripes of a hatching are as strong as this beside what lies between them. */
const STRIPE = 0.6;

/** Hatching by colour, drawn once each: tiles of device pixels, so that nothing must be turned while painting. */
export function hatching(context: CanvasRenderingContext2D, size: number, ratio: number): (colour: string) => CanvasPattern | string {
  const made = new Map<string, CanvasPattern | string>();
  return (colour) => {
    let found = made.get(colour);
    if (found === undefined) {
      found = hatched(context, colour, Math.max(4, Math.round((size / 2) * Math.SQRT2 * ratio)), ratio);
      made.set(colour, found);
    }
    return found;
  };
}

function hatched(context: CanvasRenderingContext2D, colour: string, period: number, ratio: number): CanvasPattern | string {
  const tile = document.createElement("canvas");
  tile.width = tile.height = period;
  const pen = tile.getContext("2d");
  if (pen === null) return colour;
  pen.fillStyle = colour;
  pen.fillRect(0, 0, period, period);
  pen.globalCompositeOperation = "destination-out";
  pen.globalAlpha = 1 - STRIPE;
  pen.lineWidth = period / 3 / Math.SQRT2;
  pen.beginPath();
  // Three strokes, so that the corners of neighbouring tiles meet.
  for (const shift of [-period, 0, period]) {
    pen.moveTo(shift - 1, period + 1);
    pen.lineTo(shift + period + 1, -1);
  }
  pen.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern?.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern ?? colour;
}

/** Paints what lies within a span; `shown` is where things are, laid out as `scene.places`. */
export function paint(context: CanvasRenderingContext2D, scene: Scene, shown: Float64Array, paints: Paints, light: Light, span: Span): void {
  const { linkCount, items } = scene;
  const { over, near } = light;
  context.lineJoin = "miter";
  for (let at = 0; at < linkCount; at += 1) if (at !== over) paintLink(context, scene, shown, paints, light, span, at);
  if (over >= 0 && over < linkCount) paintLink(context, scene, shown, paints, light, span, over);
  context.lineWidth = THIN;
  context.setLineDash([]);
  for (let at = linkCount; at < items.length; at += 1) {
    const [x, y, height] = [shown[at * STRIDE] ?? 0, shown[at * STRIDE + 1] ?? 0, Math.max(shown[at * STRIDE + 2] ?? 0, THIN)];
    if (y > span.bottom || y + height < span.top) continue;
    const colour = scene.colours[at] ?? "";
    context.globalAlpha = near === null || near[at] ? 1 : 0.25;
    context.fillStyle = items[at]?.stop?.isOutside ? paints.look.surface : colour;
    context.strokeStyle = colour;
    context.beginPath();
    context.roundRect(x, y, scene.barWidth, height, 1.5);
    context.fill();
    context.stroke();
  }
  context.globalAlpha = 1;
}

function paintLink(
  context: CanvasRenderingContext2D,
  scene: Scene,
  shown: Float64Array,
  paints: Paints,
  { chosen, over, near }: Light,
  span: Span,
  at: number,
): void {
  const base = at * STRIDE;
  const [x1, y1, x2, y2] = [shown[base] ?? 0, shown[base + 1] ?? 0, shown[base + 2] ?? 0, shown[base + 3] ?? 0];
  const thickness = Math.max(shown[base + 4] ?? 0, THIN);
  if (Math.min(y1, y2) > span.bottom || Math.max(y1, y2) + thickness < span.top) return;
  const way = scene.ways[at] ?? BAND;
  const colour = scene.colours[at] ?? "";
  const isThread = way === UNKNOWN || way === NOTHING;
  const isDim = near !== null && !near[at];
  const isOver = at === over;
  const middle = (x1 + x2) / 2;
  context.globalAlpha = isDim ? (isThread ? 0.12 : 0.1) : isOver ? (isThread ? 1 : 0.8) : OPACITY[way];
  context.beginPath();
  context.moveTo(x1, y1);
  context.bezierCurveTo(middle, y1, middle, y2, x2, y2);
  if (!isThread) {
    context.lineTo(x2, y2 + thickness);
    context.bezierCurveTo(middle, y2 + thickness, middle, y1 + thickness, x1, y1 + thickness);
    context.closePath();
    context.fillStyle = way === HATCHED ? paints.hatch(colour) : colour;
    context.fill();
  }
  if (way !== BAND || at === chosen) {
    context.setLineDash(DASHES[way] as number[]);
    const usual = way === UNKNOWN || way === PART ? paints.look.note : colour;
    context.strokeStyle = at === chosen ? paints.look.text : usual;
    context.lineWidth = isThread && isOver ? 2.5 : way === UNKNOWN || at === chosen ? THIN : 1;
    context.stroke();
  }
  const mark = scene.marks[at] ?? null;
  if (mark !== null && mark !== "good") paintMark(context, paints, mark, middle, (y1 + y2 + thickness) / 2, isDim);
}

/** A triangle for what is uncertain, a square for what is bad: told apart without colour. */
function paintMark(context: CanvasRenderingContext2D, paints: Paints, grade: "uncertain" | "bad", x: number, y: number, isDim: boolean): void {
  const half = paints.look.size / 3;
  context.globalAlpha = isDim ? 0.15 : 1;
  context.beginPath();
  if (grade === "bad") context.rect(x - half, y - half, 2 * half, 2 * half);
  else {
    context.moveTo(x, y - half * TRIANGLE);
    context.lineTo(x + half * TRIANGLE, y + half);
    context.lineTo(x - half * TRIANGLE, y + half);
    context.closePath();
  }
  context.fillStyle = paints.grade[grade];
  context.strokeStyle = paints.look.surface;
  context.lineWidth = THIN;
  context.setLineDash([]);
  context.fill();
  context.stroke();
}
