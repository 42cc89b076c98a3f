import type { Weather } from "@/api/types";

type Node = Weather["sites"][number]["nodes"][number];

/** More would be a table, not a glance. */
const SHOWN_MAX = 12;

/** The units that a glance shows: below the one root if there is one, else those without a parent. */
export function topOf(nodes: readonly Node[]): Node[] {
  const roots = nodes.filter(({ parent }) => parent === null);
  const below = roots.length === 1 ? nodes.filter(({ parent }) => parent === roots[0]?.node) : roots;
  if (below.length <= SHOWN_MAX) return below;
  // Where not all have room, those that are not well do first; the others keep their order.
  const rank = { red: 0, yellow: 1, green: 2 };
  return below.toSorted((a, b) => rank[a.colour] - rank[b.colour]).slice(0, SHOWN_MAX);
}
