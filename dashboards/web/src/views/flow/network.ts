import type { Bilingual, EnergyFlow, FlowLink, FlowUnit, Grade } from "@/api/types";
import type { LivePayload } from "@/live/payload";

/** A node of the plant description. */
export interface Place {
  code: string;
  name: Bilingual;
  kind: "source" | "conversion" | "bus" | "storage" | "use" | "delivery";
  parent: string | null;
}

/** Energy that went from a place to a place; `value` is null where it is not known, never negative. */
export interface Flow {
  code: string;
  name: Bilingual | null;
  source: string;
  target: string;
  carrier: string;
  value: number | null;
  /** What its carbon intensity is formed of: energy, and what was emitted for it; either may be unknown. */
  energyKwh: number | null;
  emissionKg: number | null;
  grade: Grade;
  flags: readonly string[];
  /** Found as the balance of a node. */
  isDerived: boolean;
  /** The centre says that it leads back to where it came from. */
  isReturn: boolean;
  /** Its meters contradict the balances. */
  isSuspect?: boolean;
}

/** What a place took in and did not pass on (+), or passed on without having taken it in (-). */
export interface Residual {
  place: string;
  value: number | null;
  grade: Grade;
  flags: readonly string[];
}

/** What flows between all places of a site, in one unit. */
export interface Network {
  places: Place[];
  flows: Flow[];
  residuals: Residual[];
}

/** Which way the description says that a flow goes. */
export interface Direction {
  code: string;
  from: string;
  to: string;
}

/** A unit as it is shown and asked for. */
export interface UnitOfRate {
  unit: string;
  quantity: string;
}

const KG_PER_T = 1_000;
const GJ_PER_KWH = 0.0036;
const GRADES: readonly Grade[] = ["good", "uncertain", "bad"];
const BALANCED: ReadonlySet<Place["kind"]> = new Set(["bus", "conversion", "storage"]);

/** The unit of a rate of what is compared in a unit. */
export function rateOf(unit: FlowUnit): UnitOfRate {
  return {
    kWh: { unit: "kW", quantity: "power_kw" },
    GJ: { unit: "GJ/h", quantity: "power_kw" },
    tce: { unit: "kgce/h", quantity: "coal_equivalent_kgce_per_h" },
    tCO2e: { unit: "kgCO2e/h", quantity: "emission_rate_kgco2e_per_h" },
  }[unit];
}

export function worst(grades: Iterable<Grade>): Grade {
  let found = 0;
  for (const grade of grades) found = Math.max(found, GRADES.indexOf(grade));
  return GRADES[found] ?? "good";
}

/** Null as soon as one of them is not known. */
export function sumOf(values: Iterable<number | null>): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) return null;
    sum += value;
  }
  return sum;
}

/** The network of a period. `carbon` holds the same in kWh and in tCO2e, where intensities are wanted. */
export function networkOf(answer: EnergyFlow, carbon: readonly [EnergyFlow, EnergyFlow] | null = null): Network {
  const [energy, emission] = (carbon ?? []).map((of) => new Map(of.links.map((link) => [keyOf(link), link.value])));
  return {
    places: placesOf(answer),
    flows: answer.links.map((link) => ({
      ...flowOf(link),
      value: known(link.value),
      energyKwh: energy?.get(keyOf(link)) ?? null,
      emissionKg: scaled(emission?.get(keyOf(link)), KG_PER_T),
    })),
    residuals: balancedOf(answer).map(({ code, residual_value, grade, flags }) => ({
      place: code,
      value: residual_value,
      grade,
      flags,
    })),
  };
}

/** The network of now: structure of the answer, rates of the live event. What it does not tell of is not known. */
export function liveNetworkOf(
  answer: EnergyFlow,
  live: LivePayload | null,
  unit: FlowUnit,
  directions: readonly Direction[],
): Network {
  const rates = ratesOf(live, unit);
  const directed = new Map(directions.map((direction) => [direction.code, direction]));
  const flows = answer.links.map((link): Flow => {
    const found = rates.get(link.code);
    const value = found?.value ?? null;
    const { from, to } = directed.get(link.code) ?? { from: link.source, to: link.target };
    const [source, target] = value !== null && value < 0 ? [to, from] : [from, to];
    return {
      ...flowOf(link),
      source,
      target,
      value: value === null ? null : Math.abs(value),
      energyKwh: found?.powerKw ?? null,
      emissionKg: found?.emissionKg ?? null,
      grade: found?.grade ?? "uncertain",
      flags: [],
      isDerived: found?.isDerived ?? link.derived,
      isReturn: link.role === "return",
    };
  });
  const places = placesOf(answer);
  return { places, flows, residuals: places.flatMap((place) => liveResidual(place, flows)) };
}

/** As the centre forms it: what passes energy on, in less out; not known where one of its flows is not. */
function liveResidual(place: Place, flows: readonly Flow[]): Residual[] {
  const into = flows.filter(({ source, target }) => target === place.code && source !== target);
  const outOf = flows.filter(({ source, target }) => source === place.code && source !== target);
  if (!BALANCED.has(place.kind) || into.length === 0 || outOf.length === 0) return [];
  const [input, output] = [sumOf(into.map(valueOf)), sumOf(outOf.map(valueOf))];
  return [
    {
      place: place.code,
      value: input === null || output === null ? null : input - output,
      grade: worst([...into, ...outOf].map(({ grade }) => grade)),
      flags: [],
    },
  ];
}

interface Rate {
  value: number | null;
  powerKw: number | null;
  emissionKg: number | null;
  grade: Grade;
  isDerived: boolean;
}

function ratesOf(live: LivePayload | null, unit: FlowUnit): Map<string, Rate> {
  if (live === null) return new Map();
  const { flow } = live;
  const rate = (index: number): number | null => {
    switch (unit) {
      case "kWh":
        return flow.power_kw[index] ?? null;
      case "GJ":
        return scaled(flow.power_kw[index], GJ_PER_KWH);
      case "tce":
        return flow.coal_equivalent_kgce_per_h[index] ?? null;
      case "tCO2e":
        return flow.emission_kgco2e_per_h[index] ?? null;
    }
  };
  return new Map(
    flow.code.map((code, index) => [
      code,
      {
        value: rate(index),
        powerKw: flow.power_kw[index] ?? null,
        emissionKg: flow.emission_kgco2e_per_h[index] ?? null,
        grade: flow.grade[index] ?? "uncertain",
        isDerived: flow.derived[index] ?? false,
      },
    ]),
  );
}

function placesOf(answer: EnergyFlow): Place[] {
  return answer.nodes.map(({ code, name_zh, name_en, kind, parent }) => ({
    code,
    name: { zh: name_zh, en: name_en },
    kind,
    parent,
  }));
}

/** Nodes that have a residual, known or not: the answer says null of both those without and those not known. */
function balancedOf(answer: EnergyFlow): EnergyFlow["nodes"] {
  const into = new Set(answer.links.filter(({ source, target }) => source !== target).map(({ target }) => target));
  const outOf = new Set(answer.links.filter(({ source, target }) => source !== target).map(({ source }) => source));
  return answer.nodes.filter(({ code, kind }) => BALANCED.has(kind) && into.has(code) && outOf.has(code));
}

function flowOf(link: FlowLink): Flow {
  const isNamed = link.name_zh !== null && link.name_en !== null;
  return {
    code: link.code,
    name: isNamed ? { zh: link.name_zh ?? "", en: link.name_en ?? "" } : null,
    source: link.source,
    target: link.target,
    carrier: link.carrier,
    value: link.value,
    energyKwh: null,
    emissionKg: null,
    grade: link.grade,
    flags: link.flags,
    isDerived: link.derived,
    isReturn: link.role === "return",
  };
}

/** A flow may have run between other nodes in another part of the period. */
function keyOf(link: FlowLink): string {
  return `${link.code} ${[link.source, link.target].toSorted().join(" ")}`;
}

function valueOf(flow: Flow): number | null {
  return flow.value;
}

function known(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.abs(value);
}

function scaled(value: number | null | undefined, by: number): number | null {
  return value === null || value === undefined ? null : value * by;
}
