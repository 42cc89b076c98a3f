import { computed, type ComputedRef } from "vue";
import { getCarbonFlow } from "@/api/routes";
import type { Span } from "@/api/routes";
import type { CarbonFlow } from "@/api/types";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { intensitiesOf, type Intensities } from "./carbon";
import { useFlowAddress } from "./useFlowAddress";

export interface FlowCarbon {
  /** The carbon followed through the site; null while it is not asked for. */
  use: AnswerUse<CarbonFlow | null>;
  intensities: ComputedRef<Intensities | null>;
}

/** Carbon of a span, asked for while the drawing is coloured by it. */
export function useFlowCarbon(span: () => Span): FlowCarbon {
  const { colouring, basis } = useFlowAddress();
  const isWanted = computed(() => colouring.value === "intensity");
  const use = useAnswer((signal) => (isWanted.value ? getCarbonFlow(span(), signal) : Promise.resolve(null)), {
    on: [() => Object.values(span()).join(" "), isWanted],
    follow: true,
  });
  return { use, intensities: computed(() => (use.answer.value === null ? null : intensitiesOf(use.answer.value, basis.value))) };
}
