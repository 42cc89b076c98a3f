import { useI18n } from "vue-i18n";
import type { Balance } from "@/api/types";
import type { Subject } from "@/parts/explain";
import { useBoth } from "@/parts/useBoth";

export interface BalanceFigures {
  /** A number of the balance: `how` names the text that says how it was formed. */
  subject(label: string, value: number | null, how: string, unit?: string, quantity?: string): Subject;
}

/** Numbers of a balance, with everything that says what they are. */
export function useBalanceFigures(answer: () => Pick<Balance, "start" | "end"> | null): BalanceFigures {
  const { t } = useI18n();
  const both = useBoth();
  return {
    subject: (label, value, how, unit = "kWh", quantity = "energy_kwh") => ({
      label,
      quantity,
      value,
      unit,
      start: answer()?.start ?? null,
      end: answer()?.end ?? null,
      reason: value === null ? t("balance.unknownParts") : null,
      how: both(`balance.how.${how}`),
    }),
  };
}
