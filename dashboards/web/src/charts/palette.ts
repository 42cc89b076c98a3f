import { useNomenclature } from "@/session/useNomenclature";

/** A carrier's family decides its colour: `--carrier-<family>` in tokens.css. */
export type CarrierFamily =
  | "electricity"
  | "solar"
  | "wind"
  | "gas"
  | "coal"
  | "coke"
  | "oil"
  | "biomass"
  | "hydrogen"
  | "heat"
  | "air"
  | "cooling"
  | "water"
  | "medium"
  | "other";

const OF_CODE: readonly [RegExp, CarrierFamily][] = [
  [/^electricity_pv$/, "solar"],
  [/^electricity_(?:wind|hydro)$/, "wind"],
  [/^electricity/, "electricity"],
  [/^cooling$/, "cooling"],
  [/air$/, "air"],
  [/^(?:hydrogen|ammonia_fuel)$/, "hydrogen"],
  [/coke$|^coal_tar$|coking_products$/, "coke"],
  [/coal(?!_mine_gas)|anthracite|lignite|briquette/, "coal"],
  [/^(?:hot_water|waste_heat|heat)$|steam/, "heat"],
  [/^(?:lng|lpg)$/, "gas"],
  [/water|condensate/, "water"],
];
const OF_KIND: Readonly<Record<string, CarrierFamily>> = {
  fossil_solid: "coal",
  fossil_gas: "gas",
  fossil_liquid: "oil",
  bio_solid: "biomass",
  bio_liquid: "biomass",
  bio_gas: "biomass",
  zero_carbon_fuel: "hydrogen",
  heat: "heat",
  steam: "heat",
  electricity: "electricity",
  energy_medium: "medium",
};

export function familyOf(code: string, kind: string | null): CarrierFamily {
  // A gas is a gas, whatever it was made from.
  if (kind === "fossil_gas" || /(?:^|_)gas$/.test(code)) return "gas";
  const named = OF_CODE.find(([pattern]) => pattern.test(code));
  if (named) return named[1];
  if (/diesel|gasoline|oil$|kerosene/.test(code)) return "oil";
  return (kind === null ? undefined : OF_KIND[kind]) ?? "other";
}

/** Colours for CSS (`var(…)`) and, resolved, for canvas. */
export function usePalette(): { css(carrier: string): string; canvas(carrier: string): string } {
  const { carrier: find } = useNomenclature();
  const token = (code: string): string => `--carrier-${familyOf(code, find(code)?.kind ?? null)}`;
  return { css: (code) => `var(${token(code)})`, canvas: (code) => resolved(token(code)) };
}

/** The value of a token as it is now; asked again when the theme changes. */
export function resolved(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}
