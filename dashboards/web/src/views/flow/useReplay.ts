import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { asProblem } from "@/api/client";
import type { Problem } from "@/api/problem";
import { getEnergyFlow } from "@/api/routes";
import type { EnergyFlow, FlowUnit } from "@/api/types";
import { spanOf } from "@/use/usePeriod";
import { nextToAsk, STEP_MS, stepOf } from "./replay";

/** Both in the unit that is shown and in kWh. */
export interface Frame {
  flow: EnergyFlow;
  energy: EnergyFlow;
}

export interface ReplayUse {
  /** The interval asked for, and the newest one at or before it that has come. */
  shown: Ref<number>;
  frame: ShallowRef<Frame | null>;
  isPlaying: Ref<boolean>;
  problem: ShallowRef<Problem | null>;
  loadedCount: ComputedRef<number>;
  toggle(): void;
  retry(): void;
}

interface Asked {
  site: () => string;
  starts: () => readonly number[];
  baseMs: () => number;
  unit: () => FlowUnit;
}

/** The intervals of a day one after another, asked for a few ahead of what is shown. */
export function useReplay(of: Asked): ReplayUse {
  const shown = ref(0);
  const isPlaying = ref(false);
  const frame = shallowRef<Frame | null>(null);
  const { frames, problem, fill, begin } = useFrames(of, shown);
  const has = (index: number): boolean => frames.value.has(index);

  watch(
    () => [of.site(), of.unit(), of.starts().join(" ")].join("|"),
    () => {
      shown.value = Math.min(shown.value, Math.max(0, of.starts().length - 1));
      begin();
    },
    { immediate: true },
  );
  watch(shown, () => void fill());
  watch([shown, frames] as const, () => {
    frame.value = frames.value.get(shown.value) ?? frame.value;
  });
  watch(problem, (found) => {
    if (found !== null) isPlaying.value = false;
  });
  const ticking = setInterval(() => {
    if (!isPlaying.value) return;
    const next = stepOf(shown.value, of.starts().length, has);
    shown.value = next.shown;
    isPlaying.value = next.isPlaying;
  }, STEP_MS);
  onScopeDispose(() => clearInterval(ticking));

  return {
    shown,
    frame,
    isPlaying,
    problem,
    loadedCount: computed(() => frames.value.size),
    toggle: () => {
      if (!isPlaying.value && shown.value + 1 >= of.starts().length) shown.value = 0;
      isPlaying.value = !isPlaying.value;
    },
    retry: begin,
  };
}

interface Frames {
  frames: ShallowRef<Map<number, Frame>>;
  problem: ShallowRef<Problem | null>;
  /** Asks for one after another until enough is there. */
  fill(): Promise<void>;
  /** Forgets all of them. */
  begin(): void;
}

function useFrames(of: Asked, shown: Ref<number>): Frames {
  const frames = shallowRef(new Map<number, Frame>());
  const problem = shallowRef<Problem | null>(null);
  let running: AbortController | null = null;

  async function fill(): Promise<void> {
    if (running !== null || problem.value !== null) return;
    const index = nextToAsk(shown.value, of.starts().length, (at) => frames.value.has(at));
    const start = index === null ? undefined : of.starts()[index];
    if (index === null || start === undefined) return;
    const mine = new AbortController();
    running = mine;
    try {
      const span = spanOf(of.site(), { start, end: start + of.baseMs() });
      const energy = await getEnergyFlow({ ...span, unit: "kWh" }, mine.signal);
      const flow = of.unit() === "kWh" ? energy : await getEnergyFlow({ ...span, unit: of.unit() }, mine.signal);
      if (running !== mine) return;
      frames.value = new Map(frames.value).set(index, { flow, energy });
    } catch (error) {
      if (running !== mine) return;
      problem.value = asProblem(error);
    }
    running = null;
    void fill();
  }

  function stop(): void {
    running?.abort();
    running = null;
  }
  onScopeDispose(stop);
  return {
    frames,
    problem,
    fill,
    begin: () => {
      stop();
      frames.value = new Map();
      problem.value = null;
      void fill();
    },
  };
}
