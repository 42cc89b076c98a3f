import type { Bilingual, Conflict, PointState, ReceivedHour, SequenceGap, Sum } from "@/api/types";
import type { Plant, PlantMeter, PlantPoint } from "@/parts/plant";

/** Why somebody should look at a point. */
export const REASONS = ["silent", "stale", "bad", "gaps", "conflict", "calibration"] as const;
export type Reason = (typeof REASONS)[number];

/** A measuring point with all that is known of it. */
export interface MeterRow {
  point: PointState;
  meter: PlantMeter | null;
  described: PlantPoint | null;
  name: Bilingual;
  node: Bilingual | null;
  gateway: Bilingual;
  /** How today's readings cover it; null where nothing is computed of the point. */
  today: Sum | null;
  /** Older than this, the last reading is not of now. [s] */
  staleAfterS: number;
  reasons: Reason[];
}

export interface Findings {
  points: readonly PointState[];
  plant: Plant;
  completeness: readonly { point: string; total: Sum }[];
  conflicts: readonly Conflict[];
  /** How long the period of completeness is. [s] */
  spanS: number;
  baseIntervalS: number;
  /** The business day, "2026-01-31". */
  today: string;
}

const STALE_S_MIN = 60;
/** A reading may be late by so many of its usual distances. */
const STALE_DISTANCES = 3;
const LATE_S = 120;

/** From when on the last reading is old: judged by how often the point usually reports. [s] */
export function staleAfterS(described: PlantPoint | null, today: Sum | null, spanS: number, baseIntervalS: number): number {
  // An amount per period comes when the period is over, and may be stamped with its start.
  if (described?.periodMinutes) return 2 * described.periodMinutes * 60 + LATE_S;
  if (today === null || today.reading_count < 2) return baseIntervalS;
  const distance = (today.covered_share * spanS) / today.reading_count;
  return Math.max(STALE_S_MIN, STALE_DISTANCES * distance);
}

/** What is wrong with a point whose last reading is so old. */
export function reasonsOf(
  row: Pick<MeterRow, "point" | "meter" | "today" | "staleAfterS">,
  ageS: number | null,
  of: { spanS: number; hasConflict: boolean; today: string },
): Reason[] {
  const missingS = row.today === null ? 0 : (1 - row.today.covered_share) * of.spanS;
  const holds: Record<Reason, boolean> = {
    silent: ageS === null,
    stale: ageS !== null && ageS > row.staleAfterS,
    bad: row.point.grade === "bad" || row.today?.grade === "bad",
    gaps: missingS > row.staleAfterS,
    conflict: of.hasConflict,
    calibration: row.meter?.calibrationDue !== null && row.meter?.calibrationDue !== undefined && row.meter.calibrationDue < of.today,
  };
  return REASONS.filter((reason) => holds[reason]);
}

export function meterRows({ points, plant, completeness, conflicts, spanS, baseIntervalS, today }: Findings): MeterRow[] {
  const meters = new Map(plant.meters.map((meter) => [meter.code, meter]));
  const nodes = new Map(plant.nodes.map((node) => [node.code, node.name ?? plain(node.code)]));
  const gateways = new Map(plant.gateways.map((gateway) => [gateway.code, gateway.name ?? plain(gateway.code)]));
  const totals = new Map(completeness.map(({ point, total }) => [point, total]));
  const open = new Set(conflicts.filter((conflict) => conflict.reviewed_at === null).map((conflict) => conflict.point));
  return points.map((point) => {
    const meter = meters.get(point.meter) ?? null;
    const described = meter?.points.find((known) => known.code === point.code) ?? null;
    const total = totals.get(point.code) ?? null;
    const known = { point, meter, today: total, staleAfterS: staleAfterS(described, total, spanS, baseIntervalS) };
    return {
      ...known,
      described,
      name: meter?.name ?? plain(point.meter),
      node: meter?.node ? (nodes.get(meter.node) ?? plain(meter.node)) : null,
      gateway: gateways.get(point.gateway) ?? plain(point.gateway),
      reasons: reasonsOf(known, point.age_s, { spanS, hasConflict: open.has(point.code), today }),
    };
  });
}

export interface GatewaySum {
  code: string;
  name: Bilingual;
  gatewayClass: PointState["gateway_class"];
  pointCount: number;
  attentionCount: number;
  /** Of its newest reading. [s] */
  ageS: number | null;
  received: number;
  quarantined: number;
  conflict: number;
  /** Messages that it numbered and nobody has seen. */
  missing: number;
  addsUp: boolean;
}

/** What became of all that each gateway sent. */
export function gatewaySums(rows: readonly MeterRow[], hours: readonly ReceivedHour[], gaps: readonly SequenceGap[]): GatewaySum[] {
  const codes = [...new Set(rows.map((row) => row.point.gateway))].toSorted();
  return codes.map((code) => {
    const own = rows.filter((row) => row.point.gateway === code);
    const of = hours.filter((hour) => hour.gateway === code);
    const sum = (value: (hour: ReceivedHour) => number): number => of.reduce((total, hour) => total + value(hour), 0);
    const ages = own.map((row) => row.point.age_s).filter((age) => age !== null);
    return {
      code,
      name: own[0]?.gateway ?? plain(code),
      gatewayClass: own[0]?.point.gateway_class ?? "best_effort",
      pointCount: own.length,
      attentionCount: own.filter((row) => row.reasons.length > 0).length,
      ageS: ages.length === 0 ? null : Math.min(...ages),
      received: sum((hour) => hour.received),
      quarantined: sum((hour) => hour.quarantined),
      conflict: sum((hour) => hour.conflict),
      missing: gaps.filter((gap) => gap.gateway === code).reduce((total, gap) => total + gap.last_seq - gap.first_seq + 1, 0),
      addsUp: of.every((hour) => hour.adds_up),
    };
  });
}

function plain(code: string): Bilingual {
  return { zh: code, en: code };
}
