/** What a person wrote as a number: null where nothing is, undefined where it is no number. */
export function numberOf(text: string): number | null | undefined {
  const written = text.trim();
  if (written === "") return null;
  if (!/^[-+]?\d+(\.\d+)?$/.test(written)) return undefined;
  return Number(written);
}

const DECIMALS_MAX = 6;

/** How many decimals a raw reading has: as many as came, so that two that differ are seen to differ. */
export function rawDecimals(value: number): number {
  for (let decimals = 0; decimals < DECIMALS_MAX; decimals += 1) {
    if (Number(value.toFixed(decimals)) === value) return decimals;
  }
  return DECIMALS_MAX;
}
