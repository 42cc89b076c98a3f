import type { Grade, ParkMemberSum } from "@/api/types";
import { sumOf, worst } from "./network";

/** Days of a member summed by carrier; null as soon as a day is not known. */
export interface MemberTotal {
  /** Empty for the total. */
  carrier: string;
  energy_kwh: number | null;
  coal_equivalent_tce: number | null;
  emission_tco2e: number | null;
  grade: Grade;
  flags: string[];
}

const SUMMED = ["energy_kwh", "coal_equivalent_tce", "emission_direct_tco2e", "emission_purchased_tco2e"] as const;

/** The total first, then the carriers by their energy. */
export function memberTotals(rows: readonly ParkMemberSum[]): MemberTotal[] {
  const byCarrier = new Map<string, ParkMemberSum[]>();
  for (const row of rows) byCarrier.set(row.carrier, [...(byCarrier.get(row.carrier) ?? []), row]);
  return [...byCarrier]
    .map(([carrier, days]) => totalOf(carrier, days))
    .toSorted((one, other) => Number(one.carrier !== "") - Number(other.carrier !== "") || (other.energy_kwh ?? 0) - (one.energy_kwh ?? 0));
}

function totalOf(carrier: string, days: readonly ParkMemberSum[]): MemberTotal {
  const [energy, coal, direct, purchased] = SUMMED.map((name) => sumOf(days.map((day) => day[name])));
  return {
    carrier,
    energy_kwh: energy ?? null,
    coal_equivalent_tce: coal ?? null,
    emission_tco2e: sumOf([direct ?? null, purchased ?? null]),
    grade: worst(days.map(({ grade }) => grade)),
    flags: [...new Set(days.flatMap(({ flags }) => flags))].toSorted(),
  };
}
