import { describe, expect, it } from "vitest";
import { chosenOf, grainOf, intervalsOf } from "./span";

const BASE = 900_000;
const START = Date.parse("2026-01-01T16:00:00Z");
const day = { start: START, end: START + 96 * BASE };

describe("a span of the balance", () => {
  it("of a day is told by intervals, a longer one by days", () => {
    expect(grainOf(day)).toBe("base");
    expect(grainOf({ ...day, end: day.end + 3_600_000 })).toBe("base");
    expect(grainOf({ ...day, end: day.end + 86_400_000 })).toBe("day");
    const intervals = intervalsOf(day, BASE);
    expect([intervals.length, intervals[0]?.start, intervals.at(-1)?.end]).toEqual([96, day.start, day.end]);
  });

  it("has the interval of an address only within it and on an edge", () => {
    expect(chosenOf("2026-01-01T16:15:00.000Z", day, BASE)).toEqual({ start: START + BASE, end: START + 2 * BASE });
    for (const text of ["2026-01-01T16:01:00Z", "2026-01-01T15:45:00Z", "2026-01-02T16:00:00Z", "no", null]) expect(chosenOf(text, day, BASE)).toBeNull();
  });
});
