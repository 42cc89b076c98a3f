/** Members told apart by colour, and by their names and order beside it. Members are no carriers: these are only the same inks. */
const TOKENS = [
  "--accent",
  "--carrier-electricity",
  "--carrier-solar",
  "--carrier-heat",
  "--carrier-hydrogen",
  "--carrier-cooling",
  "--carrier-biomass",
  "--carrier-oil",
] as const;
export const OTHERS_TOKEN = "--residual";

/** As many members as have a colour of their own; the rest are shown as one. */
export const MEMBERS_MAX = TOKENS.length;

export function memberToken(index: number): string {
  return TOKENS[index] ?? OTHERS_TOKEN;
}
