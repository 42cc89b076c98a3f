import { computed, onBeforeUnmount, onMounted, ref, type ComputedRef, type Ref } from "vue";

/** Rows drawn above and below what is seen, so that a quick finger finds some. */
const SPARE_ROWS = 8;

export interface Window {
  /** Rows [first, last) are drawn. */
  first: number;
  last: number;
  /** Space that the others take [px]. */
  beforePx: number;
  afterPx: number;
}

/** Which rows of a list of equal heights are to be drawn. `aboveSeenPx` of the list have scrolled away. */
export function windowOf(list: { count: number; rowPx: number; aboveSeenPx: number; seenPx: number; spare?: number }): Window {
  const { count, rowPx, aboveSeenPx, seenPx, spare = SPARE_ROWS } = list;
  const at = (px: number, round: (value: number) => number): number => Math.min(count, Math.max(0, round(px / rowPx)));
  const first = Math.max(0, at(aboveSeenPx, Math.floor) - spare);
  const last = Math.min(count, at(aboveSeenPx + seenPx, Math.ceil) + spare);
  return { first, last, beforePx: first * rowPx, afterPx: (count - last) * rowPx };
}

/** The window of a list that scrolls with the page; its rows are `rowRem` high. */
export function useWindowRows(
  box: Readonly<Ref<HTMLElement | null>>,
  count: () => number,
  rowRem: () => number,
): { window: ComputedRef<Window>; rowPx: ComputedRef<number>; follow(): void } {
  const above = ref(0);
  const seen = ref(1_000);
  const rootPx = ref(16);
  let asked = 0;

  function follow(): void {
    if (asked !== 0) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      rootPx.value = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      seen.value = globalThis.innerHeight;
      if (box.value !== null) above.value = -box.value.getBoundingClientRect().top;
    });
  }

  onMounted(() => {
    follow();
    addEventListener("scroll", follow, { passive: true });
    addEventListener("resize", follow);
  });
  onBeforeUnmount(() => {
    cancelAnimationFrame(asked);
    removeEventListener("scroll", follow);
    removeEventListener("resize", follow);
  });
  const rowPx = computed(() => rowRem() * rootPx.value);
  return {
    rowPx,
    window: computed(() => windowOf({ count: count(), rowPx: rowPx.value, aboveSeenPx: above.value, seenPx: seen.value })),
    follow,
  };
}
