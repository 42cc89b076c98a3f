import { onBeforeUnmount } from "vue";
import type { Work } from "./painter";
import type { Asked, Painted } from "./painting";
import { fullRatio, lay } from "./strip";

/** A frame of a glide that takes longer to paint is a jerk. [ms] */
const FRAME_MS = 16;
/** How much coarser things may be painted while they move, where they would move in jerks else. */
const COARSER = [1, 0.85, 0.7] as const;
/** What takes longer to paint finely does not glide at all: coarser than that one sees the coarseness, not the way. [ms] */
const GLIDING_MS_MAX = 100;
/** Of so many finely painted frames the fastest counts: another program may have delayed the others. */
const REMEMBERED = 5;

export interface Painter {
  isBusy(): boolean;
  /** Whether it is fast enough for what moves. */
  canGlide(): boolean;
  /** Paints a span of a drawing of a width; not while it is busy. */
  paint(work: Work, width: number, isMoving: boolean): void;
}

/** Paints on a canvas of the page in a thread of its own; `whenFree` is called when that is done. */
export function usePainter(canvas: () => HTMLCanvasElement | null, whenFree: () => void): Painter {
  const worker = new Worker(new URL("painting.worker.ts", import.meta.url), { type: "module" });
  let isBusy = false;
  /** How long frames took that were painted finely, the newest last. [ms] */
  let durations: number[] = [];
  let isFine = true;
  const duration = (): number => (durations.length > 0 ? Math.min(...durations) : 0);

  worker.addEventListener("message", ({ data: { bitmap, span, width, duration: newest } }: MessageEvent<Painted>) => {
    isBusy = false;
    if (isFine) durations = [...durations, newest].slice(-REMEMBERED);
    const on = canvas();
    if (on === null) bitmap.close();
    else {
      lay(on, width, span);
      on.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
    }
    whenFree();
  });
  // The browser tells its console; the next picture is tried anew.
  worker.addEventListener("error", () => {
    isBusy = false;
  });
  onBeforeUnmount(() => worker.terminate());
  return {
    isBusy: () => isBusy,
    canGlide: () => duration() <= GLIDING_MS_MAX,
    paint: (work, width, isMoving) => {
      const full = fullRatio(width, work.span);
      const asked: Asked = { ...work, width, ratio: isMoving ? full * coarserFor(duration()) : full };
      worker.postMessage(asked, { transfer: [] });
      [isBusy, isFine] = [true, asked.ratio === full];
    },
  };
}

/** As coarse as it must be to keep a frame short that takes so long [ms] when it is fine. */
export function coarserFor(duration: number): number {
  return COARSER.find((step) => duration * step ** 2 <= FRAME_MS) ?? Math.min(...COARSER);
}
