import { shallowRef } from "vue";
import { getNomenclature } from "@/api/routes";
import { Problem } from "@/api/problem";
import type { Bilingual, CarrierListed, FlagListed, QuantityListed } from "@/api/types";

interface Names {
  quantity: Map<string, QuantityListed>;
  carrier: Map<string, CarrierListed>;
  flag: Map<string, FlagListed>;
}

const names = shallowRef<Names>({ quantity: new Map(), carrier: new Map(), flag: new Map() });

let reading: Promise<void> | null = null;

/** Reads the centre's nomenclature, once; a centre without one leaves the codes as they are. */
export function readNomenclature(): Promise<void> {
  if (names.value.quantity.size > 0) return Promise.resolve();
  reading ??= read().finally(() => {
    reading = null;
  });
  return reading;
}

async function read(): Promise<void> {
  try {
    const found = await getNomenclature();
    names.value = {
      quantity: new Map(found.quantities.map((line) => [line.name, line])),
      carrier: new Map(found.carriers.map((line) => [line.code, line])),
      flag: new Map(found.flags.map((line) => [line.name, line])),
    };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

export interface Lookup {
  quantity(name: string): QuantityListed | null;
  carrier(code: string): CarrierListed | null;
  carrierName(code: string): Bilingual;
  flagName(name: string): Bilingual;
}

export function useNomenclature(): Lookup {
  return {
    quantity: (name) => names.value.quantity.get(name) ?? null,
    carrier: (code) => names.value.carrier.get(code) ?? null,
    carrierName: (code) => names.value.carrier.get(code) ?? { zh: code, en: code },
    flagName: (name) => names.value.flag.get(name) ?? { zh: name, en: name },
  };
}
