/** How far ahead of what is shown intervals are asked for. */
export const AHEAD = 6;
/** How long an interval is shown while it plays. [ms] */
export const STEP_MS = 900;

/** Which interval is asked for next: the shown one, then those ahead of it; null where all are there or on their way. */
export function nextToAsk(shown: number, count: number, has: (index: number) => boolean): number | null {
  for (let index = shown; index < Math.min(count, shown + AHEAD + 1); index += 1) if (!has(index)) return index;
  return null;
}

/** Where playing goes on to: it waits for what has not come, and ends with the last. */
export function stepOf(shown: number, count: number, has: (index: number) => boolean): { shown: number; isPlaying: boolean } {
  if (shown + 1 >= count) return { shown, isPlaying: false };
  return { shown: has(shown + 1) ? shown + 1 : shown, isPlaying: true };
}
