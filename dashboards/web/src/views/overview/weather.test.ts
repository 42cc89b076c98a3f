import { describe, expect, it } from "vitest";
import type { Colour } from "@/api/types";
import { topOf } from "./weather";

const node = (code: string, parent: string | null, colour: Colour = "green") => ({ node: code, parent, colour, name_zh: code, name_en: code, alerts: [] });
const codes = (...nodes: ReturnType<typeof node>[]): string[] => topOf(nodes).map((each) => each.node);

describe("the units of a glance", () => {
  it("lie right below the one root", () => expect(codes(node("plant", null), node("a", "plant"), node("b", "plant"), node("c", "a"))).toEqual(["a", "b"]));

  it("are roots themselves where there are several", () => expect(codes(node("a", null), node("b", null), node("c", "a"))).toEqual(["a", "b"]));

  it("are the worst first where not all have room", () => {
    const many = Array.from({ length: 13 }, (_none, index) => node(`n${index}`, "plant", index === 12 ? "red" : "green"));
    expect(codes(node("plant", null), ...many)).toEqual(["n12", ...Array.from({ length: 11 }, (_none, index) => `n${index}`)]);
  });
});
