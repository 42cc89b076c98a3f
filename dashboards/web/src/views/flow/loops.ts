/** A connection as far as loops are concerned. */
export interface Edge {
  id: string;
  source: string;
  target: string;
  /** Already known to lead back: given up first. */
  isReturn: boolean;
  weight: number;
}

/**
 * Which connections must be taken out so that none of the others leads back to where it came from.
 *
 * Large ones stay, those known to lead back go first; a connection of a place with itself always goes.
 * Whatever comes in, what remains has no loop.
 */
export function loopsOf(edges: readonly Edge[]): Set<string> {
  const leaving = new Map<string, string[]>();
  const loops = new Set<string>();
  for (const edge of edges.toSorted(byWorth)) {
    if (edge.source === edge.target || reaches(leaving, edge.target, edge.source)) {
      loops.add(edge.id);
      continue;
    }
    const targets = leaving.get(edge.source);
    if (targets) targets.push(edge.target);
    else leaving.set(edge.source, [edge.target]);
  }
  return loops;
}

function byWorth(one: Edge, other: Edge): number {
  if (one.isReturn !== other.isReturn) return one.isReturn ? 1 : -1;
  return weightOf(other) - weightOf(one) || (one.id < other.id ? -1 : 1);
}

function weightOf(edge: Edge): number {
  return Number.isFinite(edge.weight) ? edge.weight : 0;
}

function reaches(leaving: ReadonlyMap<string, string[]>, from: string, to: string): boolean {
  const seen = new Set([from]);
  const waiting = [from];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at === to) return true;
    for (const next of leaving.get(at) ?? []) {
      if (!seen.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
    }
  }
  return false;
}
