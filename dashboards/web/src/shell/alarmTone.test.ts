import { describe, expect, it } from "vitest";
import { isHeard } from "./alarmTone";

describe("a tone", () => {
  it.each([
    ["fired", "critical", 10_000, true],
    ["fired", "warning", 10_000, false],
    ["resolved", "critical", 10_000, false],
    ["acknowledged", "critical", 10_000, false],
    ["fired", "critical", 4_999, false],
  ] as const)("of %s %s, %d ms after another: %s", (change, severity, now, heard) => expect(isHeard({ change, severity }, now, 0)).toBe(heard));
});
