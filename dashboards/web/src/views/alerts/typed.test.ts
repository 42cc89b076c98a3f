import { describe, expect, it } from "vitest";
import type { RuleFault } from "@/api/types";
import { charactersBefore, piecesOf, replaced } from "./typed";

const fault = (position: number, length: number): RuleFault => ({ position, length }) as RuleFault;
const cut = (expr: string, ...faults: RuleFault[]): string[] => piecesOf(expr, faults).map(({ text, fault: found }) => (found ? `<${text}>` : text));

describe("a condition with faults", () => {
  it("is cut where they stand, in characters", () => {
    expect(cut("powr_kw > 1 kW", fault(1, 7))).toEqual(["<powr_kw>", " > 1 kW"]);
    expect(cut("𝑥 > y", fault(5, 1), fault(1, 1))).toEqual(["<𝑥>", " > ", "<y>"]);
  });

  it("shows a place of its own where the text ends too early", () => expect(cut("power_kw >", fault(11, 0))).toEqual(["power_kw >", "<␣>"]));

  it("stays whole without any", () => {
    expect(cut("a > b")).toEqual(["a > b"]);
    expect(cut("")).toEqual([]);
  });
});

describe("what is completed", () => {
  it("takes the place of what was typed, and the cursor stands behind it", () => {
    expect(replaced("𝑥 pow > 1", { position: 3, length: 3 }, "power_kw")).toEqual({ expr: "𝑥 power_kw > 1", cursor: 11 });
    expect(charactersBefore("𝑥 pow", 6)).toBe(5);
  });
});
