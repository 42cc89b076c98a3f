import { describe, expect, it } from "vitest";
import { isSmooth } from "./useGlide";

describe("a glide", () => {
  it.each([
    ["sixty frames a second", [16, 17, 16, 17], true],
    ["one jerk among them", [16, 16, 180, 16, 17], true],
    ["a slow machine", [60, 70, 55, 80], false],
    ["a single frame", [300], false],
    ["no frame at all", [], true],
  ])("of %s", (_name, intervals, smooth) => {
    expect(isSmooth(intervals)).toBe(smooth);
  });
});
