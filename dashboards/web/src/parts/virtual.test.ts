import { describe, expect, it } from "vitest";
import { windowOf } from "./virtual";

const list = { count: 2_000, rowPx: 50, seenPx: 500, spare: 2 };

describe("the window of a list", () => {
  it.each<[string, number, number, number]>([
    ["begins with the first row at the top", 0, 0, 12],
    ["is not yet there above the list", -2_000, 0, 2],
    ["follows the page, with some rows to spare", 1_025, 18, 33],
    ["ends with the last row", 2_000 * 50 - 500, 1_988, 2_000],
    ["is empty but in place far below the list", 500_000, 1_998, 2_000],
  ])("%s", (_name, aboveSeenPx, first, last) => {
    const found = windowOf({ ...list, aboveSeenPx });
    expect([found.first, found.last]).toEqual([first, last]);
  });

  it("takes as much space as all rows would, wherever it is", () => {
    for (const aboveSeenPx of [-100, 0, 777, 43_210, 99_999, 1e6]) {
      const { first, last, beforePx, afterPx } = windowOf({ ...list, aboveSeenPx });
      expect(beforePx + (last - first) * 50 + afterPx).toBe(100_000);
    }
  });

  it("of a short list is the list, of none it is none", () => {
    expect(windowOf({ ...list, count: 3, aboveSeenPx: 0 })).toEqual({ first: 0, last: 3, beforePx: 0, afterPx: 0 });
    expect(windowOf({ ...list, count: 0, aboveSeenPx: 0 })).toEqual({ first: 0, last: 0, beforePx: 0, afterPx: 0 });
  });
});
