import { onBeforeUnmount, onMounted, shallowRef, type ShallowRef } from "vue";
import type { Span } from "./painter";

/** A drawing within its page. [px] */
export interface Pane {
  width: number;
  height: number;
  /** Size of the page's letters. */
  root: number;
  /** Part that is on canvas: what is seen and a little around it, so that scrolling shows no gap. */
  canvas: Span;
}

/** Share of a screen that is painted above and below it. */
const AHEAD = 0.25;

/** Size of an element and the part of it that is worth painting, followed as it is resized and scrolled. */
export function usePane(element: () => HTMLElement | null): ShallowRef<Pane | null> {
  const pane = shallowRef<Pane | null>(null);
  let observer: ResizeObserver | null = null;
  let isPrinting = false;

  function seen(): Span {
    const box = element()?.getBoundingClientRect();
    if (box === undefined) return { top: 0, bottom: 0 };
    return { top: Math.max(0, -box.top), bottom: Math.min(box.height, innerHeight - box.top) };
  }

  function canvasOf(height: number): Span {
    if (isPrinting) return { top: 0, bottom: height };
    const { top } = seen();
    const room = Math.min(height, Math.ceil(innerHeight * (1 + 2 * AHEAD)));
    const first = Math.round(Math.min(height - room, Math.max(0, top - innerHeight * AHEAD)));
    return { top: first, bottom: first + room };
  }

  function measure(): void {
    const frame = element();
    if (frame === null) return;
    const [width, height] = [frame.clientWidth, frame.clientHeight];
    const root = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    pane.value = width > 0 && height > 0 ? { width, height, root, canvas: canvasOf(height) } : null;
  }

  function scrolled(): void {
    if (pane.value === null) return;
    const { canvas } = pane.value;
    const { top, bottom } = seen();
    if (bottom > top && (top < canvas.top || bottom > canvas.bottom)) pane.value = { ...pane.value, canvas: canvasOf(pane.value.height) };
  }

  function print(event: Event): void {
    isPrinting = event.type === "beforeprint";
    measure();
  }

  onMounted(() => {
    const frame = element();
    if (frame === null) return;
    observer = new ResizeObserver(measure);
    observer.observe(frame);
    // Captured: whatever scrolls, it may be what the drawing lies in.
    addEventListener("scroll", scrolled, { capture: true, passive: true });
    addEventListener("resize", measure);
    addEventListener("beforeprint", print);
    addEventListener("afterprint", print);
  });
  onBeforeUnmount(() => {
    observer?.disconnect();
    removeEventListener("scroll", scrolled, { capture: true });
    removeEventListener("resize", measure);
    removeEventListener("beforeprint", print);
    removeEventListener("afterprint", print);
  });
  return pane;
}
