import { describe, expect, it } from "vitest";
import type { Alert, AlertDelivery, AlertNote } from "@/api/types";
import { durationParts, linesOf } from "./story";

const at = (minute: number): string => `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
const alert = { active_at: at(0), fired_at: at(5), resolved_at: at(30) } as Alert;
const note = (id: number, minute: number, kind: string): AlertNote => ({ id, at: at(minute), kind, actor: "someone", text: "" });
const delivery = (id: number, minute: number | null): AlertDelivery =>
  ({ id, channel: "duty", delivered_at: minute === null ? null : at(minute) }) as AlertDelivery;

describe("the story of an alert", () => {
  it("goes from the condition over what was done to its end", () => {
    const lines = linesOf({ alert, notes: [note(2, 9, "acknowledged"), note(1, 5, "fired"), note(3, 30, "resolved")], deliveries: [delivery(1, 6), delivery(2, null)] });
    expect(lines.map(({ kind }) => kind)).toEqual(["began", "fired", "delivered", "acknowledged", "resolved"]);
    expect(lines[2]?.channel).toBe("duty");
  });

  it("says that it fired even where no note does, and no beginning of its own where there was no hold", () => {
    expect(linesOf({ alert: { ...alert, active_at: at(5), resolved_at: null }, notes: [], deliveries: [] }).map(({ kind }) => kind)).toEqual(["fired"]);
  });
});

describe("a duration", () => {
  it.each([
    [0, { days: 0, hours: 0, minutes: 0, seconds: 0 }],
    [-5, { days: 0, hours: 0, minutes: 0, seconds: 0 }],
    [90_061_000, { days: 1, hours: 1, minutes: 1, seconds: 1 }],
  ])("%d", (ms, parts) => expect(durationParts(ms)).toEqual(parts));
});
