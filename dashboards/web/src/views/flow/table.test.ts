import { describe, expect, it } from "vitest";
import { mixed, rgbOf, scaleEnd } from "./colours";
import { networkOf } from "./network";
import { pictureOf } from "./picture";
import { foundry } from "./sample";
import { csvOf, sorted, type Row } from "./table";

const [link] = pictureOf(networkOf(foundry()), null).links;
if (link === undefined) throw new Error("a sample without links");

function row(source: string, value: number | null, more: Partial<Row> = {}): Row {
  return { link: { ...(link as Row["link"]), id: source }, source, target: "t", carrier: "c", value, intensity: null, quality: "good", ...more };
}

describe("the table", () => {
  it("sorts numbers by size, unknown last either way", () => {
    const rows = [row("a", 2), row("b", null), row("c", 10)];
    expect(sorted(rows, { column: "value", isDescending: true }, "en").map(({ source }) => source)).toEqual(["c", "a", "b"]);
    expect(sorted(rows, { column: "value", isDescending: false }, "en").map(({ source }) => source)).toEqual(["a", "c", "b"]);
  });

  it("sorts quality from worst to best", () => {
    const rows = [row("a", 1), row("b", 1, { quality: "bad" }), row("c", 1, { quality: "uncertain" })];
    expect(sorted(rows, { column: "quality", isDescending: false }, "en").map(({ source }) => source)).toEqual(["b", "c", "a"]);
  });

  it("is written as CSV that no spreadsheet runs", () => {
    const rows = [row('=cmd|"x"', 1.5), row("甲,乙", null)];
    expect(csvOf(rows, ["从", "到"], "kWh")).toBe('\uFEFF从,到\r\n"\'=cmd|""x""",t,c,1.5,kWh,,good,\r\n"甲,乙",t,c,,kWh,,good,\r\n');
  });
});

describe("colours of intensity", () => {
  it.each<[string, readonly number[]]>([
    ["#17704a", [23, 112, 74]],
    ["rgb(1, 2, 3)", [1, 2, 3]],
    ["", [0, 0, 0]],
  ])("reads %j", (text, rgb) => {
    expect(rgbOf(text)).toEqual(rgb);
  });

  it.each([
    [-1, "rgb(0, 0, 0)"],
    [0.25, "rgb(50, 50, 50)"],
    [0.5, "rgb(100, 100, 100)"],
    [2, "rgb(200, 200, 200)"],
  ])("mixes %d of a scale", (share, colour) => {
    expect(mixed(["#000000", "#646464", "#c8c8c8"], share)).toBe(colour);
  });

  it.each([
    [[], 1],
    [[null, 0], 1],
    [[0.57, 0.2], 0.75],
    [[0.2], 0.2],
    [[3.2], 5],
    [[1.045], 1.5],
  ])("ends the scale of %j at %d", (values, end) => {
    expect(scaleEnd(values)).toBeCloseTo(end, 12);
  });
});
