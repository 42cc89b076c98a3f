import { describe, expect, it } from "vitest";
import type { BalancedNode } from "@/api/types";
import { piecesOf, residualOf } from "./parts";

const node: BalancedNode = {
  code: "board",
  name_zh: "柜",
  name_en: "Board",
  kind: "bus",
  metered_in_kwh: 1_000,
  metered_out_kwh: 950,
  input_kwh: 1_001,
  output_kwh: 960,
  transformer_loss_kwh: 40,
  line_loss_kwh: 0,
  pipe_loss_kwh: 0,
  conversion_loss_kwh: 0,
  stock_change_kwh: 1e-12,
  unmetered_kwh: 20,
  meters_kwh: -10,
  meters_sigma_kwh: 5,
  efficiency: null,
};

describe("parts of a difference", () => {
  it("share the bar by their size and add up to the difference", () => {
    const pieces = piecesOf(node) ?? [];
    expect(pieces.map(({ part }) => part)).toEqual(["transformer_loss", "unmetered", "meters"]);
    expect(pieces.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(pieces.reduce((sum, { valueKwh }) => sum + valueKwh, 0)).toBe(residualOf(node));
  });

  it("are not known where one is not, and none where nothing differs", () => {
    expect(piecesOf({ ...node, unmetered_kwh: null })).toBeNull();
    expect(piecesOf({ ...node, transformer_loss_kwh: 0, unmetered_kwh: 0, meters_kwh: 0 })).toEqual([]);
  });
});
