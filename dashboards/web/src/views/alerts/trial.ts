/** The last edge of a period that has closed: what is open is not of the past. [ms] */
export function closedEdge(now: number, intervalMs: number): number {
  return Math.floor(now / intervalMs) * intervalMs;
}
