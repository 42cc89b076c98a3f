import { describe, expect, it } from "vitest";
import { loopsOf } from "./loops";
import { networkOf, type Network } from "./network";
import { pictureOf, structureOf, type Link, type Picture } from "./picture";
import { answer, foundry, link, node } from "./sample";

const network = (): Network => networkOf(foundry());

function find(picture: Picture, source: string, target: string): Link {
  const found = picture.links.find((one) => one.source === source && one.target === target);
  if (found === undefined) throw new Error(`no link ${source} > ${target} in ${picture.links.map(({ id }) => id).join(", ")}`);
  return found;
}

function isOpen(picture: Picture): boolean {
  return loopsOf(picture.links.map((one) => ({ ...one, weight: one.known }))).size === 0;
}

describe("the whole site", () => {
  const picture = pictureOf(network(), null);

  it("is its workshops between what comes in and what is left", () => {
    expect(picture.focus).toBe("plant");
    expect(picture.stops.map(({ id }) => id).toSorted()).toEqual(
      ["grid", "coke", "utilities", "foundry", "office", "utilities:back", "~loss", "~residual", "~gain"].toSorted(),
    );
    expect(picture.stops.filter(({ canOpen }) => canOpen).map(({ id }) => id).toSorted()).toEqual(["foundry", "utilities", "utilities:back"]);
  });

  it("sums parallel flows of a carrier and keeps carriers apart", () => {
    const links = picture.links.filter(({ source, target }) => source === "utilities" && target === "foundry");
    expect(links.map(({ carrier, value, flows }) => [carrier, value, flows.length])).toEqual([
      ["electricity", 70, 2],
      ["steam_1p0MPa", 14, 1],
    ]);
  });

  it("leads what would close a loop to a marked copy", () => {
    const back = find(picture, "foundry", "utilities:back");
    expect([back.carrier, back.value, back.isReturn]).toEqual(["waste_heat", 20, true]);
    expect(isOpen(picture)).toBe(true);
  });

  it("draws residuals on their own, by sign and kind, and the content of storage not at all", () => {
    expect(find(picture, "utilities", "~residual").value).toBe(3);
    expect(find(picture, "utilities", "~loss").value).toBe(6);
    expect(find(picture, "foundry", "~loss").value).toBe(40);
    const gain = find(picture, "~gain", "foundry");
    expect([gain.value, gain.kind, gain.places]).toEqual([2, "gain", ["hall"]]);
  });

  it("draws no residual that is rounding of the figures", () => {
    const gains = [1e-7, 1e-3].map((gain) => {
      const one = foundry();
      for (const place of one.nodes) if (place.code === "hall") place.residual_value = -gain;
      return pictureOf(networkOf(one), null).links.filter(({ source }) => source === "~gain").length;
    });
    expect(gains).toEqual([0, 1]);
  });

  it("does not take unknown for nothing", () => {
    const office = find(picture, "utilities", "office");
    expect([office.value, office.known, office.unknownCount]).toEqual([null, 0, 1]);
  });
});

describe("a workshop", () => {
  it("shows its inside, with what crosses its boundary left and right", () => {
    const picture = pictureOf(network(), "foundry");
    expect(find(picture, "utilities:into", "hall").value).toBe(70);
    expect(find(picture, "cupola", "utilities:outOf").value).toBe(20);
    expect(find(picture, "hall", "furnace").value).toBe(72);
    expect(picture.links.some(({ flows }) => flows.some(({ code }) => code === "grid-in" || code === "charge"))).toBe(false);
    expect(isOpen(picture)).toBe(true);
  });

  it("draws a storage as what is charged and what is discharged", () => {
    const picture = pictureOf(network(), "utilities");
    expect(find(picture, "board", "battery:charge").value).toBe(15);
    expect(find(picture, "battery:discharge", "board").value).toBe(10);
    expect(picture.links.some(({ isReturn }) => isReturn)).toBe(false);
  });

  it.each(["nowhere", "office", "grid"])("that has no inside is the whole site: %s", (asked) => {
    expect(pictureOf(network(), asked).focus).toBe("plant");
  });
});

describe("odd descriptions", () => {
  it.each([
    ["nothing", answer([], [])],
    ["a parent that is its own child", answer([node("a", "use", "b"), node("b", "use", "a"), node("s", "source")], [link("1", "s", "a", 1), link("2", "a", "b", 1)])],
    ["places that nobody described", answer([], [link("1", "x", "y", 1), link("2", "y", "x", 2)])],
    ["a place that feeds itself", answer([node("p", "bus")], [link("1", "p", "p", 3)])],
    ["only unknown and nothing", answer([node("s", "source"), node("p", "use")], [link("1", "s", "p", null), link("2", "s", "p", 0, { carrier: "coke" })])],
    ["a supplier that takes back", answer([node("s", "source"), node("p", "use")], [link("1", "s", "p", 5), link("2", "p", "s", 2)])],
  ])("make a picture without loops: %s", (_name, of) => {
    const picture = pictureOf(networkOf(of), null);
    const stops = new Set(picture.stops.map(({ id }) => id));
    expect(isOpen(picture)).toBe(true);
    for (const { source, target } of picture.links) expect([stops.has(source), stops.has(target)]).toEqual([true, true]);
  });

  it("sells to the supplier at the right", () => {
    const of = answer([node("s", "source"), node("p", "use")], [link("1", "s", "p", 5), link("2", "p", "s", 2)]);
    expect(find(pictureOf(networkOf(of), null), "p", "s:outOf").value).toBe(2);
  });

  it("sums what is known of a group and says how much is not", () => {
    const of = answer([node("s", "source"), node("p", "use")], [link("1", "s", "p", 5), link("2", "s", "p", null, { grade: "bad", flags: ["missing"] })]);
    const found = find(pictureOf(networkOf(of), null), "s", "p");
    expect([found.value, found.known, found.unknownCount, found.grade, found.flags]).toEqual([null, 5, 1, "bad", ["missing"]]);
  });
});

it("has one structure whatever the amounts and the signs of residuals", () => {
  const other = foundry();
  for (const one of other.links) one.value = one.value === null ? null : one.value * 3;
  for (const one of other.nodes) one.residual_value = one.residual_value === null ? null : -one.residual_value;
  expect(structureOf(pictureOf(networkOf(other), null))).toBe(structureOf(pictureOf(network(), null)));
});

it("is another structure before anything is known", () => {
  const blank = foundry();
  for (const one of blank.links) one.value = null;
  expect(structureOf(pictureOf(networkOf(blank), null))).not.toBe(structureOf(pictureOf(network(), null)));
});
