import { describe, expect, it } from "vitest";
import type { AlertSilence, Matcher } from "@/api/types";
import { matches, matchersOf, silencedUntil, written } from "./silence";

const matcher = (name: string, value: string, isRegex = false, isEqual = true): Matcher => ({ name, value, isRegex, isEqual });
const silence = (state: AlertSilence["state"], end: string, ...matchers: Matcher[]): AlertSilence => ({
  id: end, state, matchers, start: "2026-01-01T00:00:00Z", end, comment: "", created_by: "", created_at: "", expired_by: null,
});
const LABELS = { alertname: "TooMuch", site: "main", node: "kiln" };

describe("a silence", () => {
  it.each([
    [[matcher("node", "kiln")], true],
    [[matcher("node", "kil")], false],
    [[matcher("node", "kil.*", true)], true],
    [[matcher("node", "il", true)], false],
    [[matcher("node", "kiln", false, false)], false],
    [[matcher("point", "")], true],
    [[matcher("node", "kiln"), matcher("site", "other")], false],
  ])("%j", (matchers, holds) => expect(matches(matchers, LABELS)).toBe(holds));

  it("holds until the last one ends, and only while one is active", () => {
    const of = matcher("node", "kiln");
    const given = [silence("active", "2026-01-02T00:00:00Z", of), silence("active", "2026-01-03T00:00:00Z", of), silence("expired", "2026-01-04T00:00:00Z", of)];
    expect(silencedUntil(given, LABELS)).toBe("2026-01-03T00:00:00Z");
    expect(silencedUntil(given, { node: "mill" })).toBeNull();
  });

  it("of one alert matches it", () => expect(matches(matchersOf(LABELS), LABELS)).toBe(true));

  it("is written as in Alertmanager", () => {
    expect([matcher("a", "b"), matcher("a", "b", true), matcher("a", "b", false, false), matcher("a", "b", true, false)].map(written)).toEqual(['a="b"', 'a=~"b"', 'a!="b"', 'a!~"b"']);
  });
});
