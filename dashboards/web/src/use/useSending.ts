import { ref } from "vue";
import { asProblem } from "@/api/client";
import type { Problem } from "@/api/problem";

/** Sends what a form holds: whether that is under way, and what was wrong with it. */
export function useSending() {
  const isSending = ref(false);
  const problem = ref<Problem | null>(null);

  /** Does `act`, and returns whether it went well. */
  async function send(act: () => Promise<unknown>): Promise<boolean> {
    isSending.value = true;
    problem.value = null;
    try {
      await act();
      return true;
    } catch (error) {
      problem.value = asProblem(error);
      return false;
    } finally {
      isSending.value = false;
    }
  }

  return { isSending, problem, send };
}
