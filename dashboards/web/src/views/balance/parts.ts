import { NODE_PARTS, type BalancedNode, type NodePart } from "@/api/types";

/** A part of the difference of a node, as a share of the sum of all parts' sizes. */
export interface Piece {
  part: NodePart;
  valueKwh: number;
  share: number;
}

/** Below this share of what enters a part is rounding. */
const SHARE_MIN = 1e-9;

/** What explains a node's input less its output; null where that is not known, empty where there is no difference. */
export function piecesOf(node: BalancedNode): Piece[] | null {
  const least = SHARE_MIN * Math.max(1, Math.abs(node.metered_in_kwh), Math.abs(node.input_kwh ?? 0));
  const found: Omit<Piece, "share">[] = [];
  for (const part of NODE_PARTS) {
    const valueKwh = node[`${part}_kwh`];
    if (valueKwh === null) return null;
    if (Math.abs(valueKwh) > least) found.push({ part, valueKwh });
  }
  const all = found.reduce((sum, { valueKwh }) => sum + Math.abs(valueKwh), 0);
  return found.map(({ part, valueKwh }) => ({ part, valueKwh, share: Math.abs(valueKwh) / all }));
}

/** Measured input less measured output. [kWh] */
export function residualOf(node: BalancedNode): number {
  return node.metered_in_kwh - node.metered_out_kwh;
}
