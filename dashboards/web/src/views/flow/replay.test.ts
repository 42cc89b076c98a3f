import { describe, expect, it } from "vitest";
import { AHEAD, nextToAsk, stepOf } from "./replay";

const having = (...known: number[]): ((index: number) => boolean) => (index) => known.includes(index);

describe("a replay", () => {
  it("asks for what is shown first, then some ahead, and not beyond the end", () => {
    expect(nextToAsk(10, 96, having())).toBe(10);
    expect(nextToAsk(10, 96, having(10, 11))).toBe(12);
    expect(nextToAsk(10, 96, (index) => index <= 10 + AHEAD)).toBeNull();
    expect(nextToAsk(95, 96, having(95))).toBeNull();
    expect(nextToAsk(0, 0, having())).toBeNull();
  });

  it("waits for what has not come, and stops at the end", () => {
    expect(stepOf(3, 96, having(3, 4))).toEqual({ shown: 4, isPlaying: true });
    expect(stepOf(3, 96, having(3))).toEqual({ shown: 3, isPlaying: true });
    expect(stepOf(95, 96, having(95))).toEqual({ shown: 95, isPlaying: false });
  });
});
