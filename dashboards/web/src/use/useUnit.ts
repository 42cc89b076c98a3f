import { computed, ref, type WritableComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import type { FlowUnit, Measures } from "@/api/types";

export const FLOW_UNITS: readonly FlowUnit[] = ["kWh", "GJ", "tce", "tCO2e"];
const GJ_PER_KWH = 0.0036;
const KEPT = "nengtan.unit";

const kept = ref(unitOf(globalThis.localStorage?.getItem(KEPT) ?? null));

/** The unit that all views compare in, kept in the address (`?unit=`) and for the next visit. */
export function useUnit(): WritableComputedRef<FlowUnit> {
  const route = useRoute();
  const router = useRouter();
  return computed({
    get: () => (typeof route.query.unit === "string" ? unitOf(route.query.unit) : kept.value),
    set: (unit) => {
      kept.value = unit;
      localStorage.setItem(KEPT, unit);
      void router.replace({ query: { ...route.query, unit } });
    },
  });
}

/** A result in a unit; null where any part of it is not known. */
export function inUnit(measures: Measures, unit: FlowUnit): number | null {
  switch (unit) {
    case "kWh":
      return measures.energy_kwh;
    case "GJ":
      return measures.energy_kwh === null ? null : measures.energy_kwh * GJ_PER_KWH;
    case "tce":
      return measures.coal_equivalent_tce;
    case "tCO2e":
      return emissionOf(measures);
  }
}

/** The line of the nomenclature that a result in a unit is of. */
export function quantityIn(unit: FlowUnit): string {
  return { kWh: "energy_kwh", GJ: "energy_kwh", tce: "coal_equivalent_tce", tCO2e: "emission_total_tco2e" }[unit];
}

/** Direct and purchased emission together. [tCO2e] */
export function emissionOf(measures: Measures): number | null {
  const { emission_direct_tco2e: direct, emission_purchased_tco2e: purchased } = measures;
  return direct === null || purchased === null ? null : direct + purchased;
}

function unitOf(text: string | null): FlowUnit {
  return FLOW_UNITS.find((unit) => unit === text) ?? "kWh";
}
