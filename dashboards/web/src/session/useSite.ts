import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { asProblem } from "@/api/client";
import type { Problem } from "@/api/problem";
import { getSite, listSites } from "@/api/routes";
import type { SiteAnswer, SiteListed } from "@/api/types";

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

let reading: Promise<void> | null = null;

/** Reads the sites and opens the one asked for, the one of last time, or the first. */
export function readSites(wanted: string | null): Promise<void> {
  reading ??= read(wanted).finally(() => {
    reading = null;
  });
  return reading;
}

async function read(wanted: string | null): Promise<void> {
  problem.value = null;
  try {
    // Most often it is the one of last time: it need not wait for the list.
    const likely = wanted ?? localStorage.getItem(CHOSEN);
    const found = likely === null ? null : getSite(likely).catch(() => null);
    sites.value = await listSites();
    const codes = sites.value.map((listed) => listed.code);
    const code = [wanted, localStorage.getItem(CHOSEN), codes[0]].find(
      (each) => each !== null && each !== undefined && codes.includes(each),
    );
    const document = code === likely ? await found : null;
    if (code && document) open(code, document);
    else if (code) await chooseSite(code);
    isRead.value = true;
  } catch (error) {
    problem.value = asProblem(error);
  }
}

export async function chooseSite(code: string): Promise<void> {
  open(code, await getSite(code));
}

function open(code: string, found: SiteAnswer): void {
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
