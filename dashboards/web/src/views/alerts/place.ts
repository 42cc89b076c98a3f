export const TABS = ["active", "history", "rules", "budgets", "on-call"] as const;
export type Tab = (typeof TABS)[number];

/** What below /alerts is shown: a tab, one alert's story, or null for an address that is none. */
export type Place = { tab: Tab; id: null } | { tab: "story"; id: number };

export function placeOf(rest: readonly string[]): Place | null {
  const [first, ...others] = rest;
  if (others.length > 0) return null;
  if (first === undefined || first === "") return { tab: "active", id: null };
  if (/^[1-9]\d{0,14}$/.test(first)) return { tab: "story", id: Number(first) };
  const tab = TABS.find((known) => known === first && known !== "active");
  return tab === undefined ? null : { tab, id: null };
}

export function pathOf(tab: Tab): string {
  return tab === "active" ? "/alerts" : `/alerts/${tab}`;
}
