import type { Look } from "@/charts/look";
import type { Grade } from "@/api/types";
import { BAND, HATCHED, NOTHING, PART, STRIDE, UNKNOWN, type Forms, type LinkMark, type Way } from "./scene";

/** Colours beside those of links and stops, and the size of small text that marks go by. */
export type Paints = Pick<Look, "text" | "note" | "surface" | "size"> & Record<Exclude<Grade, "good">, string>;

/** Gives a colour its hatching. */
type Hatch = (colour: string) => CanvasPattern | string;

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
const DIAMOND = 2;
const OPACITY: Record<Way, number> = { [BAND]: 0.48, [PART]: 0.48, [HATCHED]: 0.4, [UNKNOWN]: 0.7, [NOTHING]: 0.7 };
const DASHES: Record<Way, readonly number[]> = { [BAND]: [], [PART]: [4, 3], [HATCHED]: [4, 3], [UNKNOWN]: [5, 4], [NOTHING]: [] };
/** The stripes of a hatching are as strong as this beside what lies between them. */
const STRIPE = 0.6;

/** Hatching by colour, drawn once each: tiles of device pixels, so that nothing must be turned while painting. */
export function hatching(context: OffscreenCanvasRenderingContext2D, size: number, ratio: number): Hatch {
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

function hatched(context: OffscreenCanvasRenderingContext2D, colour: string, period: number, ratio: number): CanvasPattern | string {
  const tile = new OffscreenCanvas(period, period);
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

/** All that is to be painted: `shown` is where things are, laid out as `places` of a scene. */
export interface Work {
  forms: Forms;
  shown: Float64Array;
  paints: Paints;
  light: Light;
  span: Span;
}

/** Paints what lies within a span: links in their order, what is pointed at above the others, then stops. */
export function paint(context: OffscreenCanvasRenderingContext2D, work: Work, hatch: Hatch): void {
  const { forms, light } = work;
  for (let at = 0; at < forms.linkCount; at += 1) if (at !== light.over) paintLink(context, work, hatch, at);
  if (light.over >= 0 && light.over < forms.linkCount) paintLink(context, work, hatch, light.over);
  context.lineWidth = THIN;
  context.setLineDash([]);
  for (let at = forms.linkCount; at < forms.colours.length; at += 1) paintBar(context, work, at);
}

function paintBar(context: OffscreenCanvasRenderingContext2D, { forms, shown, paints, light: { near }, span }: Work, at: number): void {
  const [x, y, height] = [shown[at * STRIDE] ?? 0, shown[at * STRIDE + 1] ?? 0, Math.max(shown[at * STRIDE + 2] ?? 0, THIN)];
  if (y > span.bottom || y + height < span.top) return;
  const colour = forms.colours[at] ?? "";
  context.globalAlpha = near === null || near[at] ? 1 : 0.25;
  context.fillStyle = forms.hollow[at - forms.linkCount] ? paints.surface : colour;
  context.strokeStyle = colour;
  context.beginPath();
  context.roundRect(x, y, forms.barWidth, height, 1.5);
  context.fill();
  context.stroke();
}

function paintLink(context: OffscreenCanvasRenderingContext2D, work: Work, hatch: Hatch, at: number): void {
  const { forms, shown, paints, light, span } = work;
  const base = at * STRIDE;
  const [x1, y1, x2, y2] = [shown[base] ?? 0, shown[base + 1] ?? 0, shown[base + 2] ?? 0, shown[base + 3] ?? 0];
  const thickness = Math.max(shown[base + 4] ?? 0, THIN);
  if (Math.min(y1, y2) > span.bottom || Math.max(y1, y2) + thickness < span.top) return;
  const way = forms.ways[at] ?? BAND;
  const colour = forms.colours[at] ?? "";
  const isThread = way === UNKNOWN || way === NOTHING;
  const isDim = light.near !== null && !light.near[at];
  const isOver = at === light.over;
  const isChosen = at === light.chosen;
  const middle = (x1 + x2) / 2;
  context.globalAlpha = isDim ? (isThread ? 0.12 : 0.1) : isOver ? (isThread ? 1 : 0.8) : OPACITY[way];
  context.beginPath();
  context.moveTo(x1, y1);
  context.bezierCurveTo(middle, y1, middle, y2, x2, y2);
  if (!isThread) {
    context.lineTo(x2, y2 + thickness);
    context.bezierCurveTo(middle, y2 + thickness, middle, y1 + thickness, x1, y1 + thickness);
    context.closePath();
    context.fillStyle = way === HATCHED ? hatch(colour) : colour;
    context.fill();
  }
  if (way !== BAND || isChosen) {
    context.setLineDash(DASHES[way] as number[]);
    context.strokeStyle = isChosen ? paints.text : way === UNKNOWN || way === PART ? paints.note : colour;
    context.lineWidth = isThread && isOver ? 2.5 : way === UNKNOWN || isChosen ? THIN : 1;
    context.stroke();
  }
  const mark = forms.marks[at] ?? null;
  if (mark !== null && mark !== "good") paintMark(context, paints, mark, middle, (y1 + y2 + thickness) / 2, isDim);
}

/** A triangle for what is uncertain, a square for what is bad, a large diamond for a suspected meter: told apart without colour. */
function paintMark(context: OffscreenCanvasRenderingContext2D, paints: Paints, mark: Exclude<LinkMark, "good">, x: number, y: number, isDim: boolean): void {
  const half = paints.size / 3;
  context.globalAlpha = isDim ? 0.15 : 1;
  context.beginPath();
  if (mark === "bad") context.rect(x - half, y - half, 2 * half, 2 * half);
  else if (mark === "suspect") {
    const reach = half * DIAMOND;
    context.moveTo(x, y - reach);
    context.lineTo(x + reach, y);
    context.lineTo(x, y + reach);
    context.lineTo(x - reach, y);
    context.closePath();
  } else {
    context.moveTo(x, y - half * TRIANGLE);
    context.lineTo(x + half * TRIANGLE, y + half);
    context.lineTo(x - half * TRIANGLE, y + half);
    context.closePath();
  }
  context.fillStyle = paints[mark === "suspect" ? "bad" : mark];
  context.strokeStyle = paints.surface;
  context.lineWidth = THIN;
  context.setLineDash([]);
  context.fill();
  context.stroke();
}
