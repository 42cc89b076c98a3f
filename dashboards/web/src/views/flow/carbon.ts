import type { CarbonBasis, CarbonFlow } from "@/api/types";
import type { LiveCarbon } from "@/live/payload";
import type { Network } from "./network";

/** Carbon of a kWh that leaves a place or enters from outside. [kgCO2e/kWh] */
export interface Intensities {
  /** By place, of what leaves it. */
  place: ReadonlyMap<string, number>;
  /** By flow, of what enters from outside. */
  supply: ReadonlyMap<string, number>;
}

/** Intensities of a period: those of sources are of their own factor. */
export function intensitiesOf(carbon: CarbonFlow, basis: CarbonBasis): Intensities {
  const of = `${basis}_kgco2e_per_kwh` as const;
  return {
    place: knownOf(carbon.nodes.map((row) => [row.code, row[of]])),
    supply: knownOf(carbon.sources.map((row) => [row.code, row[of]])),
  };
}

/** Intensities of the last minute; of sources those that were known before. */
export function liveIntensitiesOf(live: LiveCarbon, basis: CarbonBasis, supply: Intensities["supply"]): Intensities {
  const column = live.node[`${basis}_kgco2e_per_kwh`];
  return { place: knownOf(live.node.code.map((code, at) => [code, column[at] ?? null])), supply };
}

/** What is known of it, by code. */
export function knownOf(values: readonly (readonly [string, number | null])[]): Map<string, number> {
  return new Map(values.flatMap(([code, value]): [string, number][] => (value === null ? [] : [[code, value]])));
}

/** The network with the carbon that each of its flows carries: that of the place it comes from. */
export function withCarbon(network: Network, found: Intensities | null): Network {
  const sources = new Set(network.places.filter(({ kind }) => kind === "source").map(({ code }) => code));
  return {
    ...network,
    flows: network.flows.map((flow) => {
      const intensity = (sources.has(flow.source) ? found?.supply.get(flow.code) : found?.place.get(flow.source)) ?? null;
      const emissionKg = intensity === null || flow.energyKwh === null ? null : intensity * flow.energyKwh;
      return Object.assign({}, flow, { emissionKg });
    }),
  };
}

/** The network with flows marked whose meters contradict the balances. */
export function withSuspects(network: Network, suspects: ReadonlySet<string>): Network {
  if (suspects.size === 0) return network;
  return { ...network, flows: network.flows.map((flow) => (suspects.has(flow.code) ? Object.assign({}, flow, { isSuspect: true }) : flow)) };
}

/** What of the carbon that ended within a place came from a source. */
export interface Origin {
  code: string;
  name_zh: string | null;
  name_en: string | null;
  carrier: string | null;
  tco2e: number;
  energyKwh: number;
  /** Of all carbon of the place, 0..1; null where there is none. */
  share: number | null;
}

/** Sources of the carbon that was used, lost or delivered within a place, the largest first; null where a factor is missing. */
export function originsOf(carbon: CarbonFlow, place: string | null, basis: CarbonBasis): Origin[] | null {
  const parents = new Map(carbon.nodes.map(({ code, parent }) => [code, parent]));
  const isWithin = (code: string): boolean => {
    for (let at: string | null = code; at !== null; at = parents.get(at) ?? null) if (at === place) return true;
    return false;
  };
  const ends = carbon.ends.filter(({ code, kind }) => (place === null ? kind !== "stock" : isWithin(code) && kind !== "stock"));
  const sums = carbon.sources.map(() => ({ tco2e: 0, energyKwh: 0 }));
  for (const end of ends) {
    for (const [index, sum] of sums.entries()) {
      const emission = end[`${basis}_tco2e`][index] ?? null;
      const energy = end.energy_kwh[index] ?? 0;
      if (emission === null && energy !== 0) return null;
      sum.tco2e += emission ?? 0;
      sum.energyKwh += energy;
    }
  }
  const all = sums.reduce((sum, { tco2e }) => sum + tco2e, 0);
  return carbon.sources
    .map(({ code, name_zh, name_en, carrier }, index) => {
      const { tco2e, energyKwh } = sums[index] ?? { tco2e: 0, energyKwh: 0 };
      return { code, name_zh, name_en, carrier, tco2e, energyKwh, share: all > 0 ? tco2e / all : null };
    })
    .filter(({ energyKwh }) => energyKwh > 0)
    .toSorted((a, b) => b.tco2e - a.tco2e || b.energyKwh - a.energyKwh);
}
