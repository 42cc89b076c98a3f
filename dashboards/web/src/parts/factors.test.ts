import { describe, expect, it } from "vitest";
import { factorLines } from "./factors";

function used(carrier: string, quantity: string, id: string): Record<string, unknown> {
  const factor = { id, value: 1, unit: "kgce/kWh", source: "GB/T 2589-2020", clause: "A", edition: "2020" };
  return { how: "exact", carrier, quantity, factor };
}

const sets = [
  {
    factors: {
      used: [
        used("electricity", "coal_equivalent_tce", "electricity.coal"),
        used("electricity", "emission_purchased_tco2e", "electricity.emission"),
        used("coal", "coal_equivalent_tce", "coal.coal"),
        used("coal", "emission_direct_tco2e", "coal.ncv"),
      ],
    },
  },
];

describe("the factors of a number", () => {
  it.each<[string, string, string[] | undefined, string[]]>([
    ["are those of its own quantity", "coal_equivalent_tce", undefined, ["coal.coal", "electricity.coal"]],
    ["are those of its parts", "emission_total_tco2e", undefined, ["coal.ncv", "electricity.emission"]],
    ["are those of its carriers", "coal_equivalent_tce", ["coal"], ["coal.coal"]],
    ["are none where none went in", "amount", undefined, []],
  ])("%s", (_name, quantity, carriers, expected) => {
    expect(factorLines(sets, { quantity, carriers }).map(({ key }) => key.split(" ")[0])).toEqual(expected);
  });

  it("are each told once", () => {
    expect(factorLines([...sets, ...sets], { quantity: "coal_equivalent_tce" })).toHaveLength(2);
  });
});
