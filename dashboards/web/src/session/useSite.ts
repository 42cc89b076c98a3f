import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { asProblem } from "@/api/client";
import type { Problem } from "@/api/problem";
import { getSite, listSites } from "@/api/routes";
import type { SiteListed } from "@/api/types";

const CHOSEN = "nengtan.site";

/** A site as the page needs it: its names, its zone, its periods. */
export interface Site {
  code: string;
  name_zh: string;
  name_en: string;
  kind: string;
  timeZone: string;
  baseIntervalMs: number;
  dayStartMs: number;
}

const sites = ref<SiteListed[]>([]);
const site = shallowRef<Site | null>(null);
const problem = shallowRef<Problem | null>(null);
const isRead = ref(false);

export interface SiteChoice {
  sites: Ref<SiteListed[]>;
  site: ShallowRef<Site | null>;
  problem: ShallowRef<Problem | null>;
  /** Whether the sites have been asked for and answered. */
  isRead: Ref<boolean>;
}

export function useSites(): SiteChoice {
  return { sites, site, problem, isRead };
}

/** The chosen site; the shell shows views only when there is one. */
export function useSite(): ComputedRef<Site> {
  return computed(() => {
    if (site.value === null) throw new Error("a view was shown before its site was read");
    return site.value;
  });
}

/** Reads the sites and opens the one asked for, the one of last time, or the first. */
export async function readSites(wanted: string | null): Promise<void> {
  problem.value = null;
  try {
    sites.value = await listSites();
    const codes = sites.value.map((listed) => listed.code);
    const known = [wanted, localStorage.getItem(CHOSEN), codes[0]].find(
      (code) => code !== null && code !== undefined && codes.includes(code),
    );
    if (known) await chooseSite(known);
    isRead.value = true;
  } catch (error) {
    problem.value = asProblem(error);
  }
}

export async function chooseSite(code: string): Promise<void> {
  const found = await getSite(code);
  site.value = {
    code,
    name_zh: found.site.name_zh,
    name_en: found.site.name_en,
    kind: found.site.kind,
    timeZone: found.time_zone,
    baseIntervalMs: found.base_interval_us / 1_000,
    dayStartMs: found.day_start_us / 1_000,
  };
  localStorage.setItem(CHOSEN, code);
}

export function forgetSites(): void {
  sites.value = [];
  site.value = null;
  isRead.value = false;
}
