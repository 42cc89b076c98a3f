import { describe, expect, it } from "vitest";
import type { MeterRegister, RegisteredMeter } from "@/api/types";
import { plantOf } from "@/parts/plant";
import { registerLines, withRegister } from "./register";

function meter(code: string, more: Partial<RegisteredMeter>): RegisteredMeter {
  return {
    code,
    name_zh: code,
    name_en: code,
    node: null,
    model: null,
    serial_number: null,
    accuracy_class: null,
    certificate: null,
    calibrated_on: null,
    calibration_due: null,
    overdue: null,
    in_use: true,
    points: [],
    ...more,
  };
}

describe("the register", () => {
  it("lists what is due first, then what has no due day, then what is retired", () => {
    const lines = registerLines([meter("A", {}), meter("B", { calibration_due: "2027-01-01" }), meter("C", { calibration_due: "2026-01-01" }), meter("D", { in_use: false, calibration_due: "2020-01-01" })]);
    expect(lines.map(({ code }) => code)).toEqual(["C", "B", "A", "D"]);
  });

  it("says what holds now where the description says what held at first", () => {
    const document = { meters: [{ code: "M", gateway: "gw", accuracy_class: "1", points: [{ code: "P", kind: "register", multiplier: 10, digits: { integer: 6, decimal: 2 } }] }] };
    const plant = plantOf({ version: 1, valid_from: "", applied_at: "", applied_by: "", sha256: "", document });
    const point = { code: "P", multiplier: 20, integer_digits: 7, decimal_digits: 1, since: "", ended_at: null, change_count: 1 };
    const register = { meters: [meter("M", { accuracy_class: "0.5S", calibration_due: "2027-01-01", points: [point] })] } as unknown as MeterRegister;
    const [found] = withRegister(plant, register).meters;
    expect(found).toMatchObject({ accuracyClass: "0.5S", calibrationDue: "2027-01-01", points: [{ multiplier: 20, digits: { integer: 7, decimal: 1 } }] });
    expect(withRegister(plant, null)).toBe(plant);
  });
});
