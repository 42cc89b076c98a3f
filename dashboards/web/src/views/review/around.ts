import type { Finding } from "@/api/types";

export const SHOWN_EACH_SIDE = 40;

/** Which readings are asked for, to see a finding among those about it [ms]: a finding may span days, its reading one instant. */
export function spanAround({ start, end, first_at: first }: Pick<Finding, "start" | "end" | "first_at">, baseMs: number): { start: number; end: number } {
  const [from, to] = [Date.parse(start) - baseMs, Date.parse(end) + baseMs];
  const at = first === null ? from + baseMs : Date.parse(first);
  return { start: Math.max(from, at - baseMs), end: Math.min(to, at + 2 * baseMs) };
}

/** The rows nearest an instant, so many on each side, in their order. */
export function nearest<T extends { ts: string }>(rows: readonly T[], at: string | null, each = SHOWN_EACH_SIDE): T[] {
  const found = at === null ? -1 : rows.findIndex(({ ts }) => Date.parse(ts) >= Date.parse(at));
  const middle = found < 0 ? 0 : found;
  return rows.slice(Math.max(0, middle - each), middle + each + 1);
}
