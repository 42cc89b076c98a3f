import { onBeforeUnmount, ref, watch, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { UNKNOWN } from "@/use/format";
import { ageOf } from "./age";

const TICK_MS = 1_000;

/** Ages that go on between answers, by the steady clock of this machine: its wall clock may be wrong. */
export function useAges(answered: Readonly<Ref<unknown>>): { ageNow(ageS: number | null): number | null; text(ageS: number | null): string } {
  const { t } = useI18n();
  const now = ref(performance.now());
  let since = now.value;
  watch(answered, () => {
    since = now.value = performance.now();
  });
  const ticking = setInterval(() => {
    now.value = performance.now();
  }, TICK_MS);
  onBeforeUnmount(() => clearInterval(ticking));

  const ageNow = (ageS: number | null): number | null => (ageS === null ? null : ageS + (now.value - since) / 1_000);
  return {
    ageNow,
    text: (ageS) => {
      const age = ageNow(ageS);
      if (age === null) return UNKNOWN;
      const { unit, whole, rest } = ageOf(age);
      return t(`meters.ages.${unit}`, { whole, rest });
    },
  };
}
