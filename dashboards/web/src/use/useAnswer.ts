import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type ShallowRef, type WatchSource } from "vue";
import { asProblem } from "@/api/client";
import type { Problem } from "@/api/problem";
import type { ResultsSpan } from "@/live/payload";
import { useLive } from "@/live/useLive";

const RESULTS_WAIT_MS = 1_500;
/** A centre that was too busy, or away, is asked again by itself; ever more slowly. */
const RETRY_MS = [1_000, 3_000, 10_000, 30_000] as const;

export type AnswerStatus = "loading" | "ready" | "empty" | "error";

export interface AnswerUse<T> {
  /** The newest answer; it stays while a newer one is asked for, and when that fails. */
  answer: ShallowRef<T | null>;
  /** Why the last request failed, until one succeeds. */
  problem: ShallowRef<Problem | null>;
  /** `error` only where there is nothing to show; else see `isStale`. */
  status: ComputedRef<AnswerStatus>;
  /** The answer shown is not what was last asked for. */
  isStale: ComputedRef<boolean>;
  isLoading: ComputedRef<boolean>;
  reload(): void;
}

interface Options<T> {
  /** Asked again whenever one of them changes. */
  on?: WatchSource[];
  isEmpty?: (answer: T) => boolean;
  /** Asked again when results of the site change. */
  follow?: boolean;
  /** Follows only changes of results in this span [ms]. */
  within?: () => { start: number; end: number };
  /** How long changes are gathered before it is asked again [ms]. */
  waitMs?: number;
  /** Asked again so often [ms]. */
  everyMs?: number;
}

/** An answer of the centre, kept fresh: asked again on change, after missed events, and when the centre is back. */
export function useAnswer<T>(fetch: (signal: AbortSignal) => Promise<T>, options: Options<T> = {}): AnswerUse<T> {
  const answer = shallowRef<T | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const pending = ref(false);
  const { resyncs, results, status: liveStatus } = useLive();
  let running: AbortController | null = null;
  let later: ReturnType<typeof setTimeout> | null = null;
  const retry = useRetry(() => void load());

  async function load(): Promise<void> {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    pending.value = true;
    try {
      const found = await fetch(mine.signal);
      if (running !== mine) return;
      answer.value = found;
      problem.value = null;
      retry.succeeded();
    } catch (error) {
      if (running !== mine) return;
      problem.value = asProblem(error);
      if (problem.value.isPassing) retry.failed();
    }
    pending.value = false;
  }

  function soon(): void {
    later ??= setTimeout(() => {
      later = null;
      void load();
    }, options.waitMs ?? RESULTS_WAIT_MS);
  }

  function follow(changed: ResultsSpan | null): void {
    const span = options.within?.();
    if (changed === null || (span && !(Date.parse(changed.start) < span.end && Date.parse(changed.end) > span.start))) return;
    soon();
  }

  watch(options.on ?? [], () => void load(), { immediate: true });
  watch(resyncs, () => void load());
  watch(liveStatus, (now) => {
    if (problem.value !== null && now === "live") void load();
  });
  if (options.follow) watch(results, follow);
  const ticking = options.everyMs ? setInterval(() => void load(), options.everyMs) : null;
  onScopeDispose(() => {
    running?.abort();
    running = null;
    if (later !== null) clearTimeout(later);
    if (ticking !== null) clearInterval(ticking);
  });

  return {
    answer,
    problem,
    status: computed(() => {
      if (answer.value === null) return problem.value === null ? "loading" : "error";
      if (!options.isEmpty?.(answer.value)) return "ready";
      // That there was nothing does not say that there is nothing.
      return problem.value === null ? "empty" : "error";
    }),
    isStale: computed(() => answer.value !== null && (pending.value || problem.value !== null)),
    isLoading: computed(() => pending.value),
    reload: () => void load(),
  };
}

/** Acts again after failures, ever more slowly, until one try succeeds. */
function useRetry(act: () => void): { failed(): void; succeeded(): void } {
  let failures = 0;
  let waiting: ReturnType<typeof setTimeout> | null = null;
  function stop(): void {
    if (waiting !== null) clearTimeout(waiting);
    waiting = null;
  }
  onScopeDispose(stop);
  return {
    failed: () => {
      stop();
      waiting = setTimeout(act, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      failures += 1;
    },
    succeeded: () => {
      stop();
      failures = 0;
    },
  };
}
