/** Factor sets of the provenance, as lines to read: name, value, source. */

interface Factor {
  id: string;
  value: number;
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
  value: number;
  unit: string;
  source: string;
}

function usedOf(factors: Record<string, unknown>): Used[] {
  return Array.isArray(factors.used) ? (factors.used as Used[]) : [];
}

/** Every factor that went in, each once. */
export function factorLines(sets: readonly { factors: Record<string, unknown> }[]): FactorLine[] {
  const lines = new Map<string, FactorLine>();
  for (const { carrier, quantity, factor } of sets.flatMap((set) => usedOf(set.factors))) {
    const key = `${factor.id} ${quantity}`;
    const source = [factor.source, factor.clause].filter(Boolean).join(", ");
    lines.set(key, { key, carrier, quantity, value: factor.value, unit: factor.unit, source });
  }
  return [...lines.values()].toSorted((one, other) => one.key.localeCompare(other.key));
}
