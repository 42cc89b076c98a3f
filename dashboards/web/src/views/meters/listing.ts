import type { Bilingual } from "@/api/types";
import { REASONS, type MeterRow } from "./rows";

export const FILTERS = ["all", "attention", ...REASONS] as const;
export type Filter = (typeof FILTERS)[number];
export const SORTS = ["name", "age", "quality", "completeness", "value"] as const;
export type Sort = (typeof SORTS)[number];
export const GROUPS = ["none", "gateway", "node"] as const;
export type Group = (typeof GROUPS)[number];

export interface Listing {
  words: string;
  filter: Filter;
  gateway: string | null;
  sort: Sort;
  isDescending: boolean;
  group: Group;
}

/** A line of the list: a heading of a group, or a point. */
export type Line = { kind: "group"; key: string; name: Bilingual; count: number; attentionCount: number } | { kind: "row"; key: string; row: MeterRow };

const QUALITY_ORDER = { bad: 0, uncertain: 1, good: 2 } as const;

export function passes(row: MeterRow, filter: Filter): boolean {
  if (filter === "all") return true;
  return filter === "attention" ? row.reasons.length > 0 : row.reasons.includes(filter);
}

/** How many points each filter lets through. */
export function countsOf(rows: readonly MeterRow[]): Record<Filter, number> {
  return Object.fromEntries(FILTERS.map((filter) => [filter, rows.filter((row) => passes(row, filter)).length])) as Record<Filter, number>;
}

/** The lines to show, in their order. */
export function linesOf(rows: readonly MeterRow[], listing: Listing, locale: string): Line[] {
  const words = listing.words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const shown = rows.filter(
    (row) => passes(row, listing.filter) && (listing.gateway === null || row.point.gateway === listing.gateway) && holds(row, words),
  );
  const sorted = shown.toSorted(orderOf(listing.sort, listing.isDescending, locale));
  if (listing.group === "none") return sorted.map(lineOf);
  const groups = new Map<string, MeterRow[]>();
  for (const row of sorted) {
    const key = keyOf(row, listing.group);
    const found = groups.get(key);
    if (found) found.push(row);
    else groups.set(key, [row]);
  }
  const lines: Line[] = [];
  for (const [key, members] of groups) lines.push(headingOf(key, members, listing.group), ...members.map(lineOf));
  return lines;
}

function lineOf(row: MeterRow): Line {
  return { kind: "row", key: row.point.code, row };
}

function headingOf(key: string, members: readonly MeterRow[], group: Group): Line {
  const [first] = members;
  const name = (group === "gateway" ? first?.gateway : first?.node) ?? { zh: "—", en: "—" };
  return { kind: "group", key: `group ${key}`, name, count: members.length, attentionCount: members.filter((row) => row.reasons.length > 0).length };
}

function keyOf(row: MeterRow, group: Group): string {
  return group === "gateway" ? row.point.gateway : (row.meter?.node ?? "");
}

/** Every word stands somewhere in what the row says. */
function holds(row: MeterRow, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const { point, name, node, gateway } = row;
  const text = [point.code, point.meter, point.address, point.gateway, name.zh, name.en, node?.zh, node?.en, gateway.zh, gateway.en].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function byCode(one: MeterRow, other: MeterRow): number {
  return one.point.code < other.point.code ? -1 : 1;
}

/** What has no value stands last, whichever way the others are turned; of equals the code decides. */
function orderOf(sort: Sort, isDescending: boolean, locale: string): (one: MeterRow, other: MeterRow) => number {
  const turned = isDescending ? -1 : 1;
  if (sort === "name") {
    const collator = new Intl.Collator(locale, { numeric: true });
    const name = ({ name: of }: MeterRow): string => (locale === "en" ? of.en : of.zh);
    return (one, other) => turned * collator.compare(name(one), name(other)) || byCode(one, other);
  }
  const value = VALUE_OF[sort];
  return (one, other) => {
    const [first, second] = [value(one), value(other)];
    if (first === null || second === null) return Number(first === null) - Number(second === null) || byCode(one, other);
    return turned * (first - second) || byCode(one, other);
  };
}

const VALUE_OF: Record<Exclude<Sort, "name">, (row: MeterRow) => number | null> = {
  age: (row) => row.point.age_s,
  quality: (row) => QUALITY_ORDER[row.point.grade],
  completeness: (row) => row.today?.covered_share ?? null,
  value: (row) => row.point.last_value,
};
