import { onBeforeUnmount, watch, type ShallowRef } from "vue";
import type { Look } from "@/charts/look";
import { advance, glideTo, type Glide, GLIDE_MS } from "./glide";
import { hitOf } from "./hit";
import { paintLabels, type Label } from "./labels";
import { EDGE, type Light, type Paints } from "./painter";
import type { Scene } from "./scene";
import { fullRatio, lay } from "./strip";
import { usePainter } from "./usePainter";
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

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Two canvases: ribbons and bars, painted by a thread of their own whenever something changed and as often as
 * it can while something moves; and labels, painted here once an update. At rest nothing runs.
 */
export function useStage(
  canvases: { shapes(): HTMLCanvasElement | null; labels(): HTMLCanvasElement | null },
  pane: ShallowRef<Pane | null>,
): Stage {
  const painter = usePainter(canvases.shapes, paintNext);
  let shown: Show | null = null;
  let glide: Glide | null = null;
  let light: Light = { chosen: -1, over: -1, near: null };
  let [isWanted, areLabelsOld] = [false, true];
  let frame = 0;

  function ask(): void {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  function draw(): void {
    frame = 0;
    if (pane.value === null || shown === null) return;
    if (areLabelsOld) drawLabels(canvases.labels(), pane.value, shown);
    areLabelsOld = false;
    isWanted = true;
    paintNext();
  }

  /** What the screen has asked for; where the painter is busy, as soon as it is free. */
  function paintNext(): void {
    if (!isWanted || painter.isBusy() || pane.value === null || shown === null || glide === null) return;
    isWanted = false;
    const { width, canvas: span } = pane.value;
    const isMoving = advance(glide, performance.now());
    painter.paint({ forms: glide.scene.forms, shown: glide.shown, paints: shown.paints, light, span }, width, isMoving);
    if (isMoving) ask();
  }

  watch(pane, () => {
    areLabelsOld = true;
    ask();
  });
  onBeforeUnmount(() => cancelAnimationFrame(frame));
  return {
    show: (next, isGliding) => {
      if (next.scene !== shown?.scene) glide = glideTo(next.scene, glide, isGliding && painter.canGlide() && !calm.matches ? GLIDE_MS : 0);
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

function drawLabels(canvas: HTMLCanvasElement | null, { width, canvas: span }: Pane, { labels, look }: Show): void {
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return;
  const ratio = fullRatio(width, span);
  lay(canvas, width, span);
  const [across, down] = [Math.round(width * ratio), Math.round((span.bottom - span.top) * ratio)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, across, down);
  context.setTransform(ratio, 0, 0, ratio, EDGE * ratio, (EDGE - span.top) * ratio);
  paintLabels(context, labels, look, { top: span.top - EDGE, bottom: span.bottom - EDGE });
}
