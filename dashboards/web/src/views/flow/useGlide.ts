import { onBeforeUnmount, ref, type Ref } from "vue";

/** Longest that values take to reach their new places. [ms] */
export const GLIDE_MS = 300;
/** A frame of a glide that takes longer is a jerk. [ms] */
const FRAME_MS_MAX = 40;
/** After so long without glides they are tried again. [ms] */
const REST_MS = 30_000;

/** Whether frames were drawn fast enough to look like motion: the middle one of their intervals decides. */
export function isSmooth(intervals: readonly number[]): boolean {
  const sorted = intervals.toSorted((one, other) => one - other);
  return (sorted[Math.floor(sorted.length / 2)] ?? 0) <= FRAME_MS_MAX;
}

/**
 * How long changes glide: on a machine that cannot draw them fast enough not at all, so that it stays free for
 * what its user does. `watchGlide` is called with every change.
 */
export function useGlide(): { duration: Ref<number>; watchGlide(): void } {
  const duration = ref(GLIDE_MS);
  let frame = 0;
  let resting: ReturnType<typeof setTimeout> | null = null;

  function watchGlide(): void {
    if (duration.value === 0 || frame !== 0) return;
    const intervals: number[] = [];
    let [first, last] = [0, 0];
    const step = (now: number): void => {
      if (last > 0) intervals.push(now - last);
      if (first === 0) first = now;
      last = now;
      if (now - first < GLIDE_MS && !document.hidden) {
        frame = requestAnimationFrame(step);
        return;
      }
      frame = 0;
      if (!document.hidden && !isSmooth(intervals)) rest();
    };
    frame = requestAnimationFrame(step);
  }

  function rest(): void {
    duration.value = 0;
    resting = setTimeout(() => {
      duration.value = GLIDE_MS;
    }, REST_MS);
  }

  onBeforeUnmount(() => {
    cancelAnimationFrame(frame);
    if (resting !== null) clearTimeout(resting);
  });
  return { duration, watchGlide };
}
