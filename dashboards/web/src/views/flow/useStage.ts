import { onBeforeUnmount, watch, type ShallowRef } from "vue";
import type { Look } from "@/charts/look";
import { advance, glideTo, type Glide, GLIDE_MS } from "./glide";
import { hitOf } from "./hit";
import { paintLabels, type Label } from "./labels";
import { EDGE, type Light, type Paints, type Span } from "./painter";
import type { Asked, Painted } from "./painting";
import type { Scene } from "./scene";
import type { Pane } from "./usePane";

/** All that stands on the stage. */
export interface Show {
  scene: Scene;
  labels: readonly Label[];
  look: Look;
  paints: Paints;
}

export interface Stage {
  /** Shows something, gliding there from what was shown if that is wanted. */
  show(next: Show, isGliding: boolean): void;
  light(light: Light): void;
  /** The item of the scene at a point of the frame, or -1. */
  at(x: number, y: number): number;
}

/** A frame of a glide that takes longer to paint is a jerk. [ms] */
const FRAME_MS = 16;
/** How much coarser things may be painted while they move, where they would move in jerks else. */
const COARSER = [1, 0.85, 0.7, 0.55] as const;
/** A canvas for hands and screens of many points is not made larger than this. [px²] */
const AREA_MAX = 12_000_000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Two canvases: ribbons and bars, painted by a thread of their own whenever something changed and as often as
 * it can while something moves; and labels, painted here once an update. At rest nothing runs.
 */
export function useStage(
  canvases: { shapes(): HTMLCanvasElement | null; labels(): HTMLCanvasElement | null },
  { pane, seen }: { pane: ShallowRef<Pane | null>; seen(): Span },
): Stage {
  const worker = new Worker(new URL("painting.worker.ts", import.meta.url), { type: "module" });
  let shown: Show | null = null;
  let glide: Glide | null = null;
  let light: Light = { chosen: -1, over: -1, near: null };
  let [isPainting, isWanted, areLabelsOld] = [false, false, true];
  let [cost, isStill] = [0, true];
  let frame = 0;

  function ask(): void {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  function draw(): void {
    frame = 0;
    if (pane.value === null || shown === null || glide === null) return;
    if (areLabelsOld) drawLabels(canvases.labels(), pane.value, shown);
    areLabelsOld = false;
    if (isPainting) isWanted = true;
    else order(pane.value, shown, glide);
    if (glide.duration > 0) ask();
  }

  function order({ width, canvas }: Pane, { paints }: Show, of: Glide): void {
    const isMoving = advance(of, performance.now());
    const inSight = seen();
    // What nobody sees need not move: it is painted when all have arrived.
    const span = isMoving && inSight.bottom > inSight.top ? inSight : canvas;
    const full = ratioOf(width, span);
    const ratio = isMoving ? full * coarserFor(cost * width * (span.bottom - span.top) * full ** 2) : full;
    const asked: Asked = { forms: of.scene.forms, shown: of.shown, paints, light, span, width, ratio };
    worker.postMessage(asked, { transfer: [] });
    [isPainting, isWanted, isStill] = [true, false, !isMoving];
  }

  worker.addEventListener("message", ({ data }: MessageEvent<Painted>) => {
    isPainting = false;
    if (isStill) cost = data.cost;
    const canvas = canvases.shapes();
    if (canvas !== null) {
      lay(canvas, data.width, data.span);
      canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(data.bitmap);
    }
    // The screen has asked again meanwhile: the painter goes on at once.
    if (isWanted) draw();
  });
  watch(pane, () => {
    areLabelsOld = true;
    ask();
  });
  onBeforeUnmount(() => {
    cancelAnimationFrame(frame);
    worker.terminate();
  });
  return {
    show: (next, isGliding) => {
      if (next.scene !== shown?.scene) glide = glideTo(next.scene, glide, isGliding && !calm.matches ? GLIDE_MS : 0);
      areLabelsOld ||= next.labels !== shown?.labels || next.look !== shown.look;
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

/** As coarse as it must be to keep a frame short that takes so long [ms] when it is fine. */
export function coarserFor(duration: number): number {
  return COARSER.find((step) => duration * step ** 2 <= FRAME_MS) ?? Math.min(...COARSER);
}

function drawLabels(canvas: HTMLCanvasElement | null, { width, canvas: span }: Pane, { labels, look }: Show): void {
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return;
  const ratio = ratioOf(width, span);
  lay(canvas, width, span);
  const [across, down] = [Math.round(width * ratio), Math.round((span.bottom - span.top) * ratio)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, across, down);
  context.setTransform(ratio, 0, 0, ratio, EDGE * ratio, (EDGE - span.top) * ratio);
  paintLabels(context, labels, look, { top: span.top - EDGE, bottom: span.bottom - EDGE });
}

function ratioOf(width: number, { top, bottom }: Span): number {
  return Math.min(devicePixelRatio, Math.sqrt(AREA_MAX / (width * (bottom - top))));
}

/** Puts a canvas where what is painted on it belongs. */
function lay({ style }: HTMLCanvasElement, width: number, { top, bottom }: Span): void {
  const place = [`${top}px`, `${width}px`, `${bottom - top}px`] as const;
  if (style.top === place[0] && style.width === place[1] && style.height === place[2]) return;
  [style.top, style.width, style.height] = place;
}
