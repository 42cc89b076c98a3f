import type { MeterRegister, RegisteredMeter } from "@/api/types";
import type { Plant } from "@/parts/plant";

/** The plant with what the register knows better: facts that were entered beside the description. */
export function withRegister(plant: Plant, register: MeterRegister | null): Plant {
  if (register === null) return plant;
  const known = new Map(register.meters.map((meter) => [meter.code, meter]));
  return {
    ...plant,
    meters: plant.meters.map((meter) => {
      const now = known.get(meter.code);
      if (now === undefined) return meter;
      const points = new Map(now.points.map((point) => [point.code, point]));
      return {
        ...meter,
        serialNumber: now.serial_number,
        accuracyClass: now.accuracy_class,
        calibrationDue: now.calibration_due,
        points: meter.points.map((point) => {
          const held = points.get(point.code);
          if (held === undefined) return point;
          const digits = held.integer_digits === null ? null : { integer: held.integer_digits, decimal: held.decimal_digits ?? 0 };
          return { ...point, multiplier: held.multiplier, digits };
        }),
      };
    }),
  };
}

/** Meters as the register lists them: overdue ones first, the longest overdue before the others; retired ones last. */
export function registerLines(meters: readonly RegisteredMeter[]): RegisteredMeter[] {
  return meters.toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1));
}

function rankOf(meter: RegisteredMeter): string {
  return `${meter.in_use ? 0 : 1}${meter.calibration_due ?? "9999"}${meter.code}`;
}
