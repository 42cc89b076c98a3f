import { describe, expect, it } from "vitest";
import { loopsOf, type Edge } from "./loops";

function edge(id: string, source: string, target: string, weight = 1, isReturn = false): Edge {
  return { id, source, target, weight, isReturn };
}

/** Kahn: whether all places can be put in a row. */
function isOpen(edges: readonly Edge[]): boolean {
  let left = [...edges];
  for (;;) {
    const targets = new Set(left.map(({ target }) => target));
    const next = left.filter(({ source }) => targets.has(source));
    if (next.length === left.length) return left.length === 0;
    left = next;
  }
}

/** A small generator, so that a failure can be seen again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("loopsOf", () => {
  it.each([
    ["nothing", [], []],
    ["a line", [edge("1", "a", "b"), edge("2", "b", "c")], []],
    ["a place that feeds itself", [edge("1", "a", "a", 9)], ["1"]],
    ["the smaller of two that go both ways", [edge("1", "a", "b", 5), edge("2", "b", "a", 2)], ["2"]],
    ["what is known to lead back, however large", [edge("1", "a", "b", 5), edge("2", "b", "a", 20, true)], ["2"]],
    ["no parallel flow", [edge("1", "a", "b"), edge("2", "a", "b")], []],
    ["one of a ring", [edge("1", "a", "b", 3), edge("2", "b", "c", 1), edge("3", "c", "a", 2)], ["2"]],
  ])("takes out %s", (_name, edges, out) => {
    expect([...loopsOf(edges)]).toEqual(out);
  });

  it("leaves no loop in any graph, whatever it holds", () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const next = random(seed);
      const places = 1 + Math.floor(next() * 9);
      const at = (): string => `p${Math.floor(next() * places)}`;
      const weights = [0, 1, 1e9, Number.NaN, Number.POSITIVE_INFINITY, next() * 100];
      const edges = Array.from({ length: Math.floor(next() * 40) }, (_, index) =>
        edge(`e${index}`, at(), at(), weights[Math.floor(next() * weights.length)], next() < 0.2),
      );
      const loops = loopsOf(edges);
      expect(isOpen(edges.filter(({ id }) => !loops.has(id)))).toBe(true);
      // Nothing is taken out for nothing.
      for (const id of loops) expect(isOpen(edges.filter((one) => !loops.has(one.id) || one.id === id))).toBe(false);
      expect(loopsOf(edges.toReversed())).toEqual(loops);
    }
  });
});
