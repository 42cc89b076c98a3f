import { onBeforeUnmount, onMounted, shallowRef, watch, type ShallowRef } from "vue";
import { structureOf, type Picture } from "./picture";

const SEEN_EVERY_MS = 2_000;
const UNSEEN_EVERY_MS = 10_000;
/** What nobody sees waits until what they see has answered. */
const UNSEEN_AFTER_MS = 150;

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
 * seconds; while the element is not on the screen a little later, and every ten.
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

  function followIn(wait: number): void {
    if (later !== null) clearTimeout(later);
    later = setTimeout(follow, wait);
  }

  watch([picture, key] as const, ([now, keyNow], [before, keyBefore]) => {
    const isOther = keyNow !== keyBefore || now.focus !== before.focus || structureOf(now) !== structureOf(before);
    if (isOther && isSeen) follow();
    else if (isOther) followIn(UNSEEN_AFTER_MS);
    else if (later === null) followIn(Math.max(0, last + (isSeen ? SEEN_EVERY_MS : UNSEEN_EVERY_MS) - performance.now()));
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
