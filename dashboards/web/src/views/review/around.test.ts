import { describe, expect, it } from "vitest";
import { nearest, spanAround } from "./around";

const BASE = 900_000;
const at = (minute: number): string => new Date(minute * 60_000).toISOString();

describe("the readings about a finding", () => {
  it("lie about its first reading, however long it is", () => {
    const found = spanAround({ start: at(600), end: at(10_000), first_at: at(607) }, BASE);
    expect(found).toEqual({ start: 592 * 60_000, end: 637 * 60_000 });
  });

  it("lie about its beginning where it has no reading, and never beyond a base interval of it", () => {
    expect(spanAround({ start: at(600), end: at(615), first_at: null }, BASE)).toEqual({ start: 585 * 60_000, end: 630 * 60_000 });
  });

  it("are the nearest on each side", () => {
    const rows = [0, 1, 2, 3, 4, 5].map((minute) => ({ ts: at(minute) }));
    expect(nearest(rows, at(3), 1).map(({ ts }) => ts)).toEqual([at(2), at(3), at(4)]);
    expect(nearest(rows, at(0), 2)).toEqual(rows.slice(0, 3));
    expect(nearest(rows, null, 1)).toEqual(rows.slice(0, 2));
  });
});
