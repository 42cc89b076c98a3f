import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter, type LocationQueryRaw } from "vue-router";
import type { CarbonBasis } from "@/api/types";
import type { Colouring } from "./scene";

export const MODES = ["live", "period", "replay"] as const;
export type Mode = (typeof MODES)[number];

export interface FlowAddress {
  mode: ComputedRef<Mode>;
  /** Place that is looked into (`?at=`). */
  at: ComputedRef<string | null>;
  /** Link or stop whose parts are shown (`?pick=`). */
  pick: ComputedRef<string | null>;
  colouring: ComputedRef<Colouring>;
  /** Factors that intensities are of (`?basis=`). */
  basis: ComputedRef<CarbonBasis>;
  chooseMode(mode: Mode): void;
  chooseColouring(colouring: Colouring): void;
  chooseBasis(basis: CarbonBasis): void;
  /** Looks into a place; the browser's way back leads out again. */
  enter(place: string | null): void;
  choose(pick: string | null): void;
}

/** What the view shows, kept in its address, so that a link shows the same. */
export function useFlowAddress(): FlowAddress {
  const route = useRoute();
  const router = useRouter();
  const text = (name: string): string | null => {
    const value = route.query[name];
    return typeof value === "string" && value ? value : null;
  };
  const change = (query: LocationQueryRaw): LocationQueryRaw => ({ ...route.query, ...query });
  return {
    mode: computed(() => MODES.find((mode) => mode === text("mode")) ?? "live"),
    at: computed(() => text("at")),
    pick: computed(() => text("pick")),
    colouring: computed(() => (text("colour") === "intensity" ? "intensity" : "carrier")),
    basis: computed(() => (text("basis") === "market" ? "market" : "location")),
    chooseBasis: (basis) => void router.replace({ query: change({ basis: basis === "location" ? undefined : basis }) }),
    chooseMode: (mode) => void router.replace({ query: change({ mode: mode === "live" ? undefined : mode }) }),
    chooseColouring: (colouring) =>
      void router.replace({ query: change({ colour: colouring === "carrier" ? undefined : colouring }) }),
    enter: (place) => void router.push({ query: change({ at: place ?? undefined, pick: undefined }) }),
    choose: (pick) => void router.replace({ query: change({ pick: pick ?? undefined }) }),
  };
}
