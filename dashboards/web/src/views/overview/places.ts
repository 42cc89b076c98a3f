import type { Bilingual, PlantDocument } from "@/api/types";
import { plantOf, type Named } from "@/parts/plant";

/** Names of gateways, meters and nodes in a plant description. */
export interface Places {
  gateway(code: string): Bilingual;
  /** The meter that holds a point. */
  meter(point: string): Bilingual;
  /** Where that meter stands. */
  node(point: string): Bilingual;
}

/** A code stands for itself where a description gives no name. */
export function placesOf(document: PlantDocument | null): Places {
  const plant = document === null ? null : plantOf(document);
  const [gateways, nodes] = [namesOf(plant?.gateways ?? []), namesOf(plant?.nodes ?? [])];
  const meters = new Map((plant?.meters ?? []).flatMap((meter) => meter.points.map(({ code }) => [code, meter] as const)));
  return {
    gateway: (code) => named(gateways.get(code), code),
    meter: (point) => named(meters.get(point)?.name, point),
    node: (point) => {
      const code = meters.get(point)?.node ?? point;
      return named(nodes.get(code), code);
    },
  };
}

function namesOf(all: readonly Named[]): Map<string, Bilingual | null> {
  return new Map(all.map(({ code, name }) => [code, name]));
}

function named(found: Bilingual | null | undefined, code: string): Bilingual {
  return found ?? { zh: code, en: code };
}
