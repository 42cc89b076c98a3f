import { describe, expect, it } from "vitest";
import { pathOf, placeOf, TABS } from "./place";

describe("a place below /alerts", () => {
  it.each([
    [[], { tab: "active", id: null }],
    [[""], { tab: "active", id: null }],
    [["history"], { tab: "history", id: null }],
    [["12"], { tab: "story", id: 12 }],
    [["0"], null],
    [["12", "x"], null],
    [["active"], null],
    [["elsewhere"], null],
  ])("%j", (rest, place) => expect(placeOf(rest)).toEqual(place));

  it("leads back to itself", () => {
    for (const tab of TABS) expect(placeOf(pathOf(tab).split("/").slice(2))).toEqual({ tab, id: null });
  });
});
