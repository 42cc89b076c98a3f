import { nextTick, ref, useTemplateRef } from "vue";
import { useSending } from "@/use/useSending";

/**
 * Asks why something is to be undone, and does it with that reason.
 *
 * The template has the field as `ref="field"`. After a failure it can be tried again; after success
 * whoever asked is told by `done`, and goes.
 */
export function useReason(act: (reason: string) => Promise<unknown>, done: () => void) {
  const isAsking = ref(false);
  const reason = ref("");
  const { isSending, problem, send: sending } = useSending();
  const field = useTemplateRef<HTMLInputElement>("field");

  async function ask(): Promise<void> {
    isAsking.value = true;
    await nextTick();
    field.value?.focus();
  }

  async function send(): Promise<void> {
    const why = reason.value.trim();
    if (why === "") return;
    const isDone = await sending(() => act(why));
    // Whoever asked goes: what is done is not done twice until then.
    isSending.value = isDone;
    if (isDone) done();
  }

  return { isAsking, isSending, reason, problem, ask, send };
}
