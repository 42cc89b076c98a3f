import { describe, expect, it } from "vitest";
import { billTemplate, countsOf, isWorking, sizeText, takenCount } from "./imports";

describe("an import", () => {
  it("is asked for again while something is done with it", () => {
    expect((["uploaded", "requested", "undo_requested"] as const).every((state) => isWorking({ state }))).toBe(true);
    expect((["checked", "done", "refused", "cancelled", "withdrawn"] as const).some((state) => isWorking({ state }))).toBe(false);
  });

  it("is told by its counts, without what there is none of", () => {
    expect(countsOf({ rows: 3, readings: 5, new: 4, duplicate: 1, conflict: 0, rejected: 0, missing: 1, totals_left_out: 0 })).toEqual([
      { count: "rows", number: 3 },
      { count: "readings", number: 5 },
      { count: "new", number: 4 },
      { count: "duplicate", number: 1 },
      { count: "rejected", number: 0 },
      { count: "missing", number: 1 },
    ]);
  });

  it("takes what is new and what is in conflict", () => {
    expect(takenCount({ new: 4, conflict: 2, duplicate: 7 })).toBe(6);
    expect(takenCount({ refused: { code: "file_refused", en: "no", zh: "否" } })).toBe(0);
  });
});

describe("a size", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [200_000_000, "200.0 MB"],
    [5_000_000_000_000, "5,000.0 GB"],
  ])("of %i bytes is %s", (bytes, text) => {
    expect(sizeText(bytes, "en")).toBe(text);
  });
});

describe("the template of bills", () => {
  it("says that the last day belongs to the bill", () => {
    expect(billTemplate("zh-CN")).toContain("结束（含）");
    expect(billTemplate("en")).toContain("end (inclusive)");
  });
});
