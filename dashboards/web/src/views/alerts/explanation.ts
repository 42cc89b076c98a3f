import { EFFECTS, type Explanation } from "./effects";

type Raw = Record<string, unknown>;

const FLOWS_SHOWN = 5;
/** What rounding leaves of nothing, beside the largest effect. */
const UNSEEN = 1e-6;

const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);
const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);
const listOf = (value: unknown): Raw[] => (Array.isArray(value) ? (value as Raw[]) : []);

/** An effect, or 0 where it is only what rounding leaves. */
function seen(effect: number | null, largest: number): number | null {
  return effect !== null && Math.abs(effect) <= UNSEEN * largest ? 0 : effect;
}

/** The explanation that the centre kept with an alert; null where it says nothing of effects. */
export function explanationOf(raw: Raw | null): Explanation | null {
  const change = numberOf(raw?.change);
  if (raw === null || change === null) return null;
  const largest = Math.max(...EFFECTS.map((effect) => Math.abs(numberOf(raw[effect]) ?? 0)));
  return {
    unit: textOf(raw.unit) ?? "",
    start: textOf(raw.start),
    end: textOf(raw.end),
    beforeStart: textOf(raw.before_start),
    beforeEnd: textOf(raw.before_end),
    change,
    effects: Object.fromEntries(EFFECTS.map((effect) => [effect, seen(numberOf(raw[effect]), largest)])) as Explanation["effects"],
    flows: listOf(raw.flows)
      .slice(0, FLOWS_SHOWN)
      .map((flow) => ({ code: textOf(flow.flow) ?? "", carrier: textOf(flow.carrier) ?? "", changeKwh: numberOf(flow.change_kwh), meters: Array.isArray(flow.meters) ? flow.meters.map(String) : [] })),
    factors: listOf(raw.parts)
      .map((part) => ({ node: textOf(part.node) ?? "", carrier: textOf(part.carrier) ?? "", before: numberOf(part.factor_before), after: numberOf(part.factor_after), change: numberOf(part.factor) }))
      .filter(({ change: effect }) => effect !== null && seen(effect, largest) !== 0),
  };
}
