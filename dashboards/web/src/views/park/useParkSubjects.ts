import type { FlowUnit } from "@/api/types";
import type { Subject } from "@/parts/explain";
import { useBoth } from "@/parts/useBoth";
import { quantityIn } from "@/use/useUnit";
import type { DaySum } from "./usePark";

const GJ_PER_KWH = 0.0036;

/** A sum in the unit that members are compared in. */
export function daySumIn(sum: DaySum, unit: FlowUnit): number | null {
  switch (unit) {
    case "kWh":
      return sum.energy_kwh;
    case "GJ":
      return sum.energy_kwh === null ? null : sum.energy_kwh * GJ_PER_KWH;
    case "tce":
      return sum.coal_equivalent_tce;
    case "tCO2e":
      return sum.emission_tco2e;
  }
}

interface About {
  label: string;
  unit: FlowUnit;
  start: string | number | null;
  end: string | number | null;
  how: string;
}

export function useParkSubjects(): { subjectOf(sum: DaySum | null, about: About): Subject } {
  const both = useBoth();
  return {
    subjectOf: (sum, { label, unit, start, end, how }) => ({
      label,
      quantity: quantityIn(unit),
      value: sum === null ? null : daySumIn(sum, unit),
      unit,
      start,
      end,
      ...(sum === null ? {} : { grade: sum.grade, flags: sum.flags, coveredShare: sum.coveredShare }),
      how: both(how),
    }),
  };
}
