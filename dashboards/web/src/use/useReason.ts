import { nextTick, ref, useTemplateRef } from "vue";
import { asProblem } from "@/api/client";
import type { Problem } from "@/api/problem";

/**
 * Asks why something is to be undone, and does it with that reason.
 *
 * The template has the field as `ref="field"`. After a failure it can be tried again; after success
 * whoever asked is told by `done`, and goes.
 */
export function useReason(act: (reason: string) => Promise<unknown>, done: () => void) {
  const isAsking = ref(false);
  const isSending = ref(false);
  const reason = ref("");
  const problem = ref<Problem | null>(null);
  const field = useTemplateRef<HTMLInputElement>("field");

  async function ask(): Promise<void> {
    isAsking.value = true;
    await nextTick();
    field.value?.focus();
  }

  async function send(): Promise<void> {
    const why = reason.value.trim();
    if (why === "") return;
    isSending.value = true;
    problem.value = null;
    try {
      await act(why);
      done();
    } catch (error) {
      problem.value = asProblem(error);
      isSending.value = false;
    }
  }

  return { isAsking, isSending, reason, problem, ask, send };
}
