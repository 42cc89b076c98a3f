import { computed, onScopeDispose, ref, type ComputedRef } from "vue";
import { useSite } from "@/session/useSite";
import { periodOf, type Period } from "@/use/period";

const NOW_EVERY_MS = 5_000;

/** Today so far, whatever period the address says; a new object only when its end moves on. */
export function useToday(): ComputedRef<Period> {
  const site = useSite();
  const now = ref(Date.now());
  const ticking = setInterval(() => {
    now.value = Date.now();
  }, NOW_EVERY_MS);
  onScopeDispose(() => clearInterval(ticking));
  return computed<Period>((before) => {
    const found = periodOf({ kind: "today" }, now.value, site.value);
    return before && before.start === found.start && before.end === found.end ? before : found;
  });
}
