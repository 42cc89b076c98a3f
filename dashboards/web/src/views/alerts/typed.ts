import type { RuleCompletion, RuleFault } from "@/api/types";

/** A part of a condition, with what is wrong there. */
export interface Piece {
  text: string;
  fault: RuleFault | null;
}

/** The text cut where faults stand. The centre counts characters, not units of UTF-16; what ends too early has a place beyond the last. */
export function piecesOf(expr: string, faults: readonly RuleFault[]): Piece[] {
  const characters = Array.from(expr);
  const pieces: Piece[] = [];
  let at = 0;
  for (const fault of faults.toSorted((a, b) => a.position - b.position)) {
    const start = Math.min(Math.max(fault.position - 1, at), characters.length);
    if (start > at) pieces.push({ text: characters.slice(at, start).join(""), fault: null });
    const end = Math.min(Math.max(start, fault.position - 1 + fault.length), characters.length);
    pieces.push({ text: characters.slice(start, end).join("") || "␣", fault });
    at = end;
  }
  if (at < characters.length) pieces.push({ text: characters.slice(at).join(""), fault: null });
  return pieces;
}

/** The text with a part replaced, and where the cursor then stands, both as the browser counts. */
export function replaced(expr: string, { position, length }: Pick<RuleCompletion, "position" | "length">, text: string): { expr: string; cursor: number } {
  const characters = Array.from(expr);
  const before = characters.slice(0, position - 1).join("");
  return { expr: before + text + characters.slice(position - 1 + length).join(""), cursor: before.length + text.length };
}

/** How many characters stand before a place that the browser counts. */
export function charactersBefore(expr: string, offset: number): number {
  return Array.from(expr.slice(0, offset)).length;
}
