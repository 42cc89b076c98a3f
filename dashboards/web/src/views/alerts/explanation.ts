import { EFFECTS, type Explanation } from "./effects";

type Raw = Record<string, unknown>;

const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** The explanation that the centre kept, of which older ones may lack parts; null where it says nothing of effects. */
export function explanationOf(raw: Raw | null): Explanation | null {
  const effects = raw?.effects as Raw | undefined;
  const change = numberOf(raw?.change);
  if (!raw || typeof effects !== "object" || effects === null || change === null) return null;
  return {
    unit: String(raw.unit ?? ""),
    before: numberOf(raw.before),
    after: numberOf(raw.after),
    change,
    effects: Object.fromEntries(EFFECTS.map((effect) => [effect, numberOf(effects[effect])])) as Explanation["effects"],
  };
}
