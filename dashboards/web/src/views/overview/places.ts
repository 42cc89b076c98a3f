import type { Bilingual, PlantDocument } from "@/api/types";

/** Names of gateways, meters and nodes in a plant description. */
export interface Places {
  gateway(code: string): Bilingual;
  /** The meter that holds a point. */
  meter(point: string): Bilingual;
  /** Where that meter stands. */
  node(point: string): Bilingual;
}

interface Named {
  code: string;
  name?: Bilingual;
}

interface Meter extends Named {
  node?: string;
  points?: Named[];
}

function namesOf(all: Named[]): Map<string, Bilingual> {
  return new Map(all.map(({ code, name }) => [code, known(name, code)]));
}

function known(found: Bilingual | undefined, code: string): Bilingual {
  return found ?? { zh: code, en: code };
}

/** A code stands for itself where a description gives no name. */
export function placesOf(plant: PlantDocument | null): Places {
  const part = <T extends Named>(name: string): T[] => (Array.isArray(plant?.document[name]) ? (plant.document[name] as T[]) : []);
  const [gateways, nodes] = [namesOf(part("gateways")), namesOf(part("nodes"))];
  const meters = new Map(part<Meter>("meters").flatMap((meter) => (meter.points ?? []).map((point) => [point.code, meter] as const)));
  return {
    gateway: (code) => known(gateways.get(code), code),
    meter: (point) => known(meters.get(point)?.name, point),
    node: (point) => {
      const code = meters.get(point)?.node ?? point;
      return known(nodes.get(code), code);
    },
  };
}
