import { onBeforeUnmount, watch, type ShallowRef } from "vue";
import type { Look } from "@/charts/look";
import { advance, glideTo, type Glide, GLIDE_MS } from "./glide";
import { hitOf } from "./hit";
import { paintLabels, type Label } from "./labels";
import { EDGE, hatching, paint, type Light, type Paints, type Span } from "./painter";
import type { Scene } from "./scene";
import type { Pane } from "./usePane";

/** All that stands on the stage. */
export interface Show {
  scene: Scene;
  labels: readonly Label[];
  look: Look;
  grade: Paints["grade"];
}

export interface Stage {
  /** Shows something, gliding there from what was shown if that is wanted. */
  show(next: Show, isGliding: boolean): void;
  light(light: Light): void;
  /** The item of the scene at a point of the frame, or -1. */
  at(x: number, y: number): number;
}

/** A canvas for hands and screens of many points is not made larger than this. [px²] */
const AREA_MAX = 12_000_000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Two canvases, one of ribbons and bars and one of labels, painted when something changed and with every
 * frame of the screen while something moves; at rest nothing runs.
 */
export function useStage(
  canvases: { shapes(): HTMLCanvasElement | null; labels(): HTMLCanvasElement | null },
  { pane, seen }: { pane: ShallowRef<Pane | null>; seen(): Span },
): Stage {
  let shown: Show | null = null;
  let glide: Glide | null = null;
  let light: Light = { chosen: -1, over: -1, near: null };
  let paints: Paints | null = null;
  let areLabelsOld = true;
  let frame = 0;

  function ask(): void {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  function draw(now: number): void {
    frame = 0;
    const [shapes, texts, place] = [contextOf(canvases.shapes()), contextOf(canvases.labels()), pane.value];
    if (place === null || shown === null || glide === null || shapes === null || texts === null) return;
    const { look, grade, labels } = shown;
    const { scene, shown: where } = glide;
    const ratio = ratioOf(place);
    const isFitted = [shapes, texts].map(({ canvas }) => fit(canvas, place, ratio)).includes(true);
    areLabelsOld ||= isFitted || paints === null;
    if (isFitted || paints === null) paints = { look, grade, hatch: hatching(shapes, look.size, ratio) };
    const of = paints;
    const isMoving = advance(glide, now);
    // What nobody sees need not move: it is painted when all have arrived.
    const span = isMoving ? common(place.canvas, seen()) : place.canvas;
    within(shapes, place, ratio, span, (inside) => paint(shapes, scene, where, of, light, inside));
    if (areLabelsOld) within(texts, place, ratio, place.canvas, (inside) => paintLabels(texts, labels, look, inside));
    areLabelsOld = false;
    if (isMoving) ask();
  }

  watch(pane, ask);
  onBeforeUnmount(() => cancelAnimationFrame(frame));
  return {
    show: (next, isGliding) => {
      if (next.look !== shown?.look) paints = null;
      if (next.scene !== shown?.scene) glide = glideTo(next.scene, glide, isGliding && !calm.matches ? GLIDE_MS : 0);
      areLabelsOld ||= next.labels !== shown?.labels;
      shown = next;
      ask();
    },
    light: (next) => {
      light = next;
      ask();
    },
    at: (x, y) => (glide === null ? -1 : hitOf(glide.scene, glide.shown, x - EDGE, y - EDGE)),
  };
}

function contextOf(canvas: HTMLCanvasElement | null): CanvasRenderingContext2D | null {
  return canvas?.getContext("2d") ?? null;
}

function ratioOf({ width, canvas }: Pane): number {
  return Math.min(devicePixelRatio, Math.sqrt(AREA_MAX / (width * (canvas.bottom - canvas.top))));
}

/** Puts a canvas where its pane is; says whether it lost what was on it. */
function fit(canvas: HTMLCanvasElement, { width, canvas: { top, bottom } }: Pane, ratio: number): boolean {
  const size = [Math.round(width * ratio), Math.round((bottom - top) * ratio)] as const;
  const isOther = canvas.width !== size[0] || canvas.height !== size[1];
  if (isOther) {
    [canvas.width, canvas.height] = size;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${bottom - top}px`;
  }
  const isMoved = canvas.style.top !== `${top}px`;
  if (isMoved) canvas.style.top = `${top}px`;
  return isOther || isMoved;
}

function common(one: Span, other: Span): Span {
  return { top: Math.max(one.top, other.top), bottom: Math.min(one.bottom, other.bottom) };
}

/** Clears a span of the frame and paints it anew, in the drawing's own distances. */
function within(context: CanvasRenderingContext2D, { width, canvas }: Pane, ratio: number, span: Span, work: (inside: Span) => void): void {
  if (span.bottom <= span.top) return;
  context.setTransform(ratio, 0, 0, ratio, EDGE * ratio, (EDGE - canvas.top) * ratio);
  const inside = { top: span.top - EDGE, bottom: span.bottom - EDGE };
  const box = [-EDGE, inside.top, width, inside.bottom - inside.top] as const;
  context.save();
  context.beginPath();
  context.rect(...box);
  context.clip();
  context.clearRect(...box);
  work(inside);
  context.restore();
}
