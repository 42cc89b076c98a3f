import { onBeforeUnmount, onMounted, shallowRef, watch, type ShallowRef } from "vue";
import { structureOf, type Picture } from "./picture";

const SEEN_EVERY_MS = 2_000;
const UNSEEN_EVERY_MS = 10_000;

interface Seldom<T> {
  picture(): Picture;
  /** What must be followed at once beside the structure, because numbers would not fit it. */
  key(): string;
  make(): T;
  /** Where it is shown. */
  element(): Element | undefined;
}

/**
 * What is made of a picture, at a reader's pace: at once where something else is drawn, else every two
 * seconds, and every ten while the element is not on the screen.
 */
export function useSeldom<T>({ picture, key, make, element }: Seldom<T>): ShallowRef<T> {
  const made = shallowRef(make()) as ShallowRef<T>;
  let isSeen = false;
  let last = Number.NEGATIVE_INFINITY;
  let later: ReturnType<typeof setTimeout> | null = null;
  let observer: IntersectionObserver | null = null;

  function follow(): void {
    if (later !== null) clearTimeout(later);
    later = null;
    last = performance.now();
    made.value = make();
  }

  watch([picture, key] as const, ([now, keyNow], [before, keyBefore]) => {
    if (keyNow !== keyBefore || now.focus !== before.focus || structureOf(now) !== structureOf(before)) follow();
    else later ??= setTimeout(follow, Math.max(0, last + (isSeen ? SEEN_EVERY_MS : UNSEEN_EVERY_MS) - performance.now()));
  });
  onMounted(() => {
    const seen = element();
    if (seen === undefined) return;
    observer = new IntersectionObserver(([entry]) => {
      isSeen = entry?.isIntersecting ?? false;
      if (isSeen) follow();
    });
    observer.observe(seen);
  });
  onBeforeUnmount(() => {
    observer?.disconnect();
    if (later !== null) clearTimeout(later);
  });
  return made;
}
