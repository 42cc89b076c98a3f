/** Factor sets of the provenance, as lines to read: name, value, source. */

interface Factor {
  id: string;
  /** None: one of each hour. */
  value: number | null;
  unit: string;
  source: string;
  clause: string;
  edition: string;
}

interface Used {
  how: string;
  carrier: string;
  quantity: string;
  factor: Factor;
}

export interface FactorLine {
  key: string;
  carrier: string;
  quantity: string;
  value: number | null;
  unit: string;
  source: string;
}

const EMISSION = ["emission_direct_tco2e", "emission_purchased_tco2e"];
/** Quantities whose factors make a number, where they are not the number's own. */
const MADE_OF: Readonly<Record<string, readonly string[]>> = {
  power_kw: ["energy_kwh"],
  emission_total_tco2e: EMISSION,
  emission_rate_kgco2e_per_h: EMISSION,
  intensity_kgco2e_per_kwh: [...EMISSION, "energy_kwh"],
  intensity_kgce_per_t: ["coal_equivalent_tce"],
  intensity_tce_per_10k_cny: ["coal_equivalent_tce"],
  intensity_tco2e_per_t: EMISSION,
  intensity_tco2e_per_10k_cny: EMISSION,
};

/** What a number is, as far as its factors go. */
export interface FactorsOf {
  quantity: string;
  /** Carriers that went in; all of them if not given. */
  carriers?: readonly string[] | undefined;
}

function usedOf(factors: Record<string, unknown>): Used[] {
  return Array.isArray(factors.used) ? (factors.used as Used[]) : [];
}

/** The factors of one number, each once. Factors of other quantities or carriers had no part in it. */
export function factorLines(sets: readonly { factors: Record<string, unknown> }[], of: FactorsOf): FactorLine[] {
  const made = MADE_OF[of.quantity] ?? [of.quantity];
  const lines = new Map<string, FactorLine>();
  for (const { carrier, quantity, factor } of sets.flatMap((set) => usedOf(set.factors))) {
    if (!made.includes(quantity) || (of.carriers && !of.carriers.includes(carrier))) continue;
    const key = `${factor.id} ${quantity}`;
    const source = [factor.source, factor.clause].filter(Boolean).join(", ");
    lines.set(key, { key, carrier, quantity, value: factor.value, unit: factor.unit, source });
  }
  return [...lines.values()].toSorted((one, other) => one.key.localeCompare(other.key));
}
