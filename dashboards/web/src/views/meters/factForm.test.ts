import { describe, expect, it } from "vitest";
import { calibrationOf, changeOf, faultsOf, fieldOf, fieldsFor, FIELDS, instantOfWritten, kindsFor, writtenOf } from "./factForm";

const ZONE = "Asia/Shanghai";

describe("a draft of a fact", () => {
  it("names what is missing", () => {
    expect(faultsOf("exchange", {}, ZONE)).toEqual({ from: "required", first_reading: "required", reason: "required" });
    expect(faultsOf("calibration", { certificate: " " }, ZONE)).toEqual({ certificate: "required", calibrated_on: "required", due: "required" });
  });

  it.each([
    [{ multiplier: "0" }, { multiplier: "positive" }],
    [{ multiplier: "1,200" }, { multiplier: "number" }],
    [{ last_reading: "12 kWh" }, { last_reading: "number" }],
    [{ from: "yesterday" }, { from: "instant" }],
  ])("finds fault with %j", (draft, faults) => {
    expect(faultsOf("multiplier", { from: "2026-03-01T08:00", multiplier: "80", reason: "CT", ...draft }, ZONE)).toEqual(faults);
  });

  it("wants whole digits, and a due day that is not before the calibration", () => {
    expect(faultsOf("digits", { from: "2026-03-01T08:00", integer: "6.5", decimal: "-1", reason: "x" }, ZONE)).toEqual({ integer: "whole", decimal: "whole" });
    expect(faultsOf("calibration", { certificate: "1", calibrated_on: "2026-03-01", due: "2026-02-28" }, ZONE)).toEqual({ due: "order" });
    expect(faultsOf("calibration", { certificate: "1", calibrated_on: "2026-03-01", due: "2026-03-01" }, ZONE)).toEqual({});
  });

  it("becomes what the centre takes, with the instant of the site's zone and nothing that is empty", () => {
    expect(changeOf("exchange", { from: "2026-03-01T08:00", last_reading: "99.5", first_reading: "0", serial_number: " A-1 ", multiplier: "", reason: " broken " }, ZONE)).toEqual({
      from: "2026-03-01T00:00:00.000Z",
      last_reading: 99.5,
      first_reading: 0,
      serial_number: "A-1",
      reason: "broken",
    });
    expect(changeOf("digits", { from: "2026-03-01T08:00", integer: "6", reason: "x" }, ZONE).digits).toEqual({ integer: 6, decimal: 0 });
    expect(changeOf("retired", { from: "2026-03-01T08:00", reason: "x" }, ZONE)).toEqual({ from: "2026-03-01T00:00:00.000Z", retired: true, reason: "x" });
    expect(calibrationOf({ certificate: " 1 ", calibrated_on: "2026-03-01", due: "2028-02-29", reason: " " })).toEqual({ certificate: "1", calibrated_on: "2026-03-01", due: "2028-02-29" });
  });
});

describe("a field of local time", () => {
  it("is read and written in the zone of the site", () => {
    expect(instantOfWritten("2026-03-01T08:00", ZONE)).toBe(Date.parse("2026-03-01T00:00:00Z"));
    expect(instantOfWritten("2026-03-01T08:00:30", ZONE)).toBe(Date.parse("2026-03-01T00:00:30Z"));
    expect(writtenOf(Date.parse("2026-02-28T16:05:00Z"), ZONE)).toBe("2026-03-01T00:05");
    expect(instantOfWritten("", ZONE)).toBeNull();
  });
});

describe("what is offered", () => {
  it("of a gauge has no levels of a register", () => {
    expect(kindsFor(false)).toEqual(["multiplier", "retired", "calibration"]);
    expect(fieldsFor("multiplier", false)).toEqual(["from", "multiplier", "reason"]);
    expect(fieldsFor("multiplier", true)).toContain("last_reading");
  });
});

describe("a problem of the centre", () => {
  it.each([
    ["from", "from"],
    ["digits/integer", "integer"],
    ["digits", "integer"],
    ["meters/0/points/1/multiplier", null],
    ["life", null],
    [null, null],
  ])("at %j stands at %j", (pointer, field) => {
    expect(fieldOf(pointer, FIELDS.digits)).toBe(field);
  });
});
