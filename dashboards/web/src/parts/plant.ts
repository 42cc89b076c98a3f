import type { Bilingual, MeterCalibration, MeterChange, PlantDocument, PointState } from "@/api/types";

/** The plant description, as far as views name and group what it holds. Absent is null. */
export interface Plant {
  nodes: PlantNode[];
  flows: PlantFlow[];
  products: PlantProduct[];
  gateways: Named[];
  meters: PlantMeter[];
  shifts: Named[];
  /** Whose grid it takes from: a province of GB/T 2260, or a country. */
  region: string | null;
}

export interface Named {
  code: string;
  name: Bilingual | null;
}

export interface PlantNode extends Named {
  kind: string;
  parent: string | null;
}

export interface PlantFlow extends Named {
  from: string;
  to: string;
  carrier: string;
}

export interface PlantProduct extends Named {
  node: string;
  unit: string;
}

export interface PlantMeter extends Named {
  gateway: string;
  node: string | null;
  model: string | null;
  serialNumber: string | null;
  accuracyClass: string | null;
  /** The last good day, "2027-06-30". */
  calibrationDue: string | null;
  calibrations: MeterCalibration[];
  points: PlantPoint[];
}

interface Digits {
  integer: number;
  decimal: number;
}

export interface PlantPoint {
  code: string;
  kind: PointState["kind"];
  multiplier: number;
  digits: Digits | null;
  /** What the description says of its beginning, and what changed since. */
  first: { multiplier: number; digits: Digits | null };
  life: MeterChange[];
  holdSeconds: number | null;
  periodMinutes: number | null;
}

type Part = Record<string, unknown>;

export function plantOf({ document }: PlantDocument): Plant {
  return {
    nodes: partsOf(document.nodes).map(nodeOf),
    flows: partsOf(document.flows).map(flowOf),
    products: partsOf(document.products).map(productOf),
    gateways: partsOf(document.gateways).map(named),
    meters: partsOf(document.meters).map(meterOf),
    shifts: partsOf(document.shifts).map(named),
    region: text(document.region),
  };
}

function nodeOf(part: Part): PlantNode {
  return { ...named(part), kind: text(part.kind) ?? "use", parent: text(part.parent) };
}

function flowOf(part: Part): PlantFlow {
  return { ...named(part), from: text(part.from) ?? "", to: text(part.to) ?? "", carrier: text(part.carrier) ?? "" };
}

function productOf(part: Part): PlantProduct {
  return { ...named(part), node: text(part.node) ?? "", unit: text(part.unit) ?? "" };
}

function meterOf(part: Part): PlantMeter {
  return {
    ...named(part),
    gateway: text(part.gateway) ?? "",
    node: text(part.node),
    model: text(part.model),
    serialNumber: text(part.serial_number),
    accuracyClass: text(part.accuracy_class),
    calibrationDue: text(part.calibration_due),
    calibrations: Array.isArray(part.calibrations) ? (part.calibrations as MeterCalibration[]) : [],
    points: partsOf(part.points).map(pointOf),
  };
}

function pointOf(part: Part): PlantPoint {
  const written = part.digits as { integer: number; decimal?: number } | undefined;
  const digits = written ? { integer: written.integer, decimal: written.decimal ?? 0 } : null;
  const multiplier = number(part.multiplier) ?? 1;
  return {
    code: text(part.code) ?? "",
    kind: (text(part.kind) ?? "register") as PlantPoint["kind"],
    multiplier,
    digits,
    first: { multiplier, digits },
    life: Array.isArray(part.life) ? (part.life as MeterChange[]) : [],
    holdSeconds: number(part.hold_seconds),
    periodMinutes: number(part.period_minutes),
  };
}

function partsOf(value: unknown): Part[] {
  return Array.isArray(value) ? (value as Part[]) : [];
}

function named(part: Part): Named {
  return { code: text(part.code) ?? "", name: (part.name as Bilingual | undefined) ?? null };
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
