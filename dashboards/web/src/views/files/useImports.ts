import { computed, onScopeDispose, ref, type ComputedRef, type Ref } from "vue";
import { getImport, listImports } from "@/api/routes";
import type { FileImport, FileImports } from "@/api/types";
import { useSite } from "@/session/useSite";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { isWorking } from "./imports";

const PAGE = 25;
const ASKED_MAX = 200;
const EVERY_MS = 15_000;
const WORKING_EVERY_MS = 700;

/** Asks again soon for as long as something is being done. */
function useSoon(isBusy: () => boolean, reload: () => void): void {
  const ticking = setInterval(() => {
    if (isBusy() && document.visibilityState === "visible") reload();
  }, WORKING_EVERY_MS);
  onScopeDispose(() => clearInterval(ticking));
}

export interface ImportList {
  of: AnswerUse<FileImports>;
  rows: ComputedRef<FileImport[]>;
  /** There are older ones that can be shown. */
  hasMore: ComputedRef<boolean>;
  limit: Ref<number>;
  showMore(): void;
}

/** The imports of the site, the newest first. */
export function useImports(): ImportList {
  const site = useSite();
  const limit = ref(PAGE);
  const of = useAnswer((signal) => listImports({ site: site.value.code, limit: limit.value }, signal), {
    on: [limit],
    everyMs: EVERY_MS,
    isEmpty: (found) => found.imports.length === 0,
  });
  const rows = computed(() => of.answer.value?.imports ?? []);
  useSoon(() => rows.value.some(isWorking) && !of.isLoading.value, of.reload);
  return {
    of,
    rows,
    hasMore: computed(() => of.answer.value?.next_cursor !== null && limit.value < ASKED_MAX),
    limit,
    showMore: () => {
      limit.value = Math.min(ASKED_MAX, limit.value + 3 * PAGE);
    },
  };
}

/** One import, followed while something is being done with it. */
export function useImport(id: number): AnswerUse<FileImport> {
  const of = useAnswer((signal) => getImport(id, signal));
  useSoon(() => of.answer.value !== null && isWorking(of.answer.value) && !of.isLoading.value, of.reload);
  return of;
}
