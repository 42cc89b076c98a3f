import { describe, expect, it } from "vitest";
import { networkOf } from "./network";
import { pictureOf, type Picture } from "./picture";
import { flowOrderOf, placed, withRest, type Frame, type Placed } from "./placing";
import { answer, foundry, link, node, tall } from "./sample";

const FRAME: Frame = { width: 1_000, height: 500, roomMin: 30, gap: 5, barWidth: 12 };

function place(picture: Picture, frame = FRAME): Placed {
  return placed(picture, withRest(flowOrderOf(picture), picture), frame);
}

describe("places", () => {
  const picture = pictureOf(networkOf(foundry()), null);

  it("go from left to right along every link", () => {
    const { bars } = place(picture);
    for (const { source, target } of picture.links) expect(bars.get(source)?.column).toBeLessThan(bars.get(target)?.column ?? -1);
  });

  it.each([["few", picture], ["three hundred", pictureOf(networkOf(tall(300)), null)]])("give every bar of %s its room within the frame", (_name, of) => {
    const height = 60 * 35;
    const { bars } = place(of, { ...FRAME, height: Math.max(FRAME.height, height * 3) });
    const columns = new Map<number, { y: number; height: number }[]>();
    for (const bar of bars.values()) columns.set(bar.column, [...(columns.get(bar.column) ?? []), bar]);
    for (const column of columns.values()) {
      const sorted = column.toSorted((one, other) => one.y - other.y);
      for (const [at, bar] of sorted.entries()) {
        const next = sorted[at + 1];
        expect(Number.isFinite(bar.y) && bar.y >= -1e-6).toBe(true);
        if (next) expect(next.y + next.height / 2 - (bar.y + bar.height / 2)).toBeGreaterThanOrEqual(FRAME.roomMin - 1e-6);
      }
    }
  });

  it("make ribbons as thick as their amounts, side by side along a bar", () => {
    const { bars, ribbons } = place(picture);
    const scale = (ribbons.get("grid>utilities:electricity")?.thickness ?? 0) / 100;
    for (const { id, known } of picture.links) expect(ribbons.get(id)?.thickness).toBeCloseTo(known * scale, 9);
    for (const { id } of picture.stops) {
      const bar = bars.get(id);
      const leaving = picture.links.filter(({ source }) => source === id).flatMap((one) => ribbons.get(one.id) ?? []);
      const end = Math.max(...leaving.map(({ y1, thickness }) => y1 + thickness));
      if (bar && leaving.length > 0) expect(end).toBeLessThanOrEqual(bar.y + bar.height + 1e-6);
    }
  });

  it("move little when amounts change little, and never change their order", () => {
    const order = flowOrderOf(picture);
    const changed: Picture = { ...picture, links: picture.links.map((one) => Object.assign({}, one, { known: one.known * (1 + 0.01 * Math.sin(one.id.length)) })) };
    const [before, after] = [picture, changed].map((of) => placed(of, withRest(order, of), FRAME).bars) as [Placed["bars"], Placed["bars"]];
    for (const [id, bar] of before) expect(Math.abs(bar.y - (after.get(id)?.y ?? 0))).toBeLessThan(12);
  });

  it("keep their columns when a residual changes its sign", () => {
    const turned = foundry();
    for (const one of turned.nodes) one.residual_value = one.residual_value === null ? null : -one.residual_value;
    const other = pictureOf(networkOf(turned), null);
    const order = flowOrderOf(picture);
    expect(withRest(order, other).columns.length).toBe(withRest(order, picture).columns.length);
    expect(flowOrderOf(other)).toEqual(order);
  });

  it("are there for a picture of nothing and of unknown amounts", () => {
    expect(place(pictureOf(networkOf(answer([], [])), null)).bars.size).toBe(0);
    const unknown = place(pictureOf(networkOf(answer([node("s", "source"), node("u", "use")], [link("1", "s", "u", null)])), null));
    for (const bar of unknown.bars.values()) expect([Number.isFinite(bar.y), bar.height]).toEqual([true, 0]);
  });
});
