export const EFFECTS = ["volume", "intensity", "structure", "factor"] as const;
export type Effect = (typeof EFFECTS)[number];

/** Why an alert fired, as the centre explains it. */
export interface Explanation {
  unit: string;
  /** The span that is looked at, and the one it is compared with. */
  start: string | null;
  end: string | null;
  beforeStart: string | null;
  beforeEnd: string | null;
  change: number;
  effects: Record<Effect, number | null>;
  /** What comes in, with its meters, that changed most. */
  flows: { code: string; carrier: string; changeKwh: number | null; meters: string[] }[];
  /** Where emission per energy changed. */
  factors: { node: string; carrier: string; before: number | null; after: number | null; change: number | null }[];
}

/** A bar of the cascade from before to after, in shares of the width. */
export interface Bar {
  effect: Effect;
  value: number;
  left: number;
  width: number;
}

/** Each effect begins where the one before ends, so that the bars are seen to add up to the change. */
export function cascadeOf({ effects }: Pick<Explanation, "effects">): Bar[] {
  const known = EFFECTS.map((effect) => ({ effect, value: effects[effect] })).filter((each): each is { effect: Effect; value: number } => each.value !== null);
  let sum = 0;
  const spans = known.map(({ effect, value }) => {
    const from = sum;
    sum += value;
    return { effect, value, low: Math.min(from, sum), high: Math.max(from, sum) };
  });
  const low = Math.min(0, ...spans.map((span) => span.low));
  const width = Math.max(0, ...spans.map((span) => span.high)) - low || 1;
  return spans.map((span) => ({ effect: span.effect, value: span.value, left: (span.low - low) / width, width: (span.high - span.low) / width }));
}

/** Where nothing has changed yet, in shares of the width. */
export function zeroOf({ effects }: Pick<Explanation, "effects">): number {
  let [sum, low, high] = [0, 0, 0];
  for (const effect of EFFECTS) {
    sum += effects[effect] ?? 0;
    low = Math.min(low, sum);
    high = Math.max(high, sum);
  }
  return high === low ? 0 : -low / (high - low);
}
