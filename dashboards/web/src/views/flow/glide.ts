import { STRIDE, type Scene } from "./scene";

/** How long values take to reach their new places. [ms] */
export const GLIDE_MS = 300;

/** Things on their way from where they were to where a scene wants them. */
export interface Glide {
  scene: Scene;
  from: Float64Array;
  /** Where things are now, laid out as `scene.places`. */
  shown: Float64Array;
  /** The clock of frames at the start; null until the first frame. [ms] */
  start: number | null;
  /** 0: nothing moves, everything is where it belongs. [ms] */
  duration: number;
}

/** Begins from wherever things are; what was not there before is where it belongs at once. */
export function glideTo(scene: Scene, before: Glide | null, duration: number): Glide {
  const from = scene.places.slice();
  if (before === null || duration === 0) return { scene, from, shown: scene.places.slice(), start: null, duration: 0 };
  const index = new Map(before.scene.keys.map((key, at) => [key, at]));
  let isMoving = false;
  scene.keys.forEach((key, at) => {
    const old = index.get(key);
    if (old === undefined) return;
    from.set(before.shown.subarray(old * STRIDE, (old + 1) * STRIDE), at * STRIDE);
    isMoving ||= from.subarray(at * STRIDE, (at + 1) * STRIDE).some((value, part) => value !== scene.places[at * STRIDE + part]);
  });
  return { scene, from, shown: from.slice(), start: null, duration: isMoving ? duration : 0 };
}

/** Moves things to where they are at a time of the frames' clock; says whether they are still on their way. */
export function advance(glide: Glide, now: number): boolean {
  if (glide.duration === 0) return false;
  glide.start ??= now;
  const passed = (now - glide.start) / glide.duration;
  const { from, shown } = glide;
  const to = glide.scene.places;
  if (passed >= 1) {
    shown.set(to);
    glide.duration = 0;
    return false;
  }
  const share = eased(Math.max(0, passed));
  for (let at = 0; at < shown.length; at += 1) shown[at] = (from[at] ?? 0) + ((to[at] ?? 0) - (from[at] ?? 0)) * share;
  return true;
}

/** Slow at both ends. */
export function eased(share: number): number {
  return share < 0.5 ? 4 * share ** 3 : 1 - 4 * (1 - share) ** 3;
}
